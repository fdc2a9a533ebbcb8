"""What a head is trained on: embeddings, partly known targets, and which rows serve for what."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from classification.errors import FieldmarkError
from classification.learning.fixmatch_config import FixMatchConfig
from classification.learning.standardise import bad_rows, moments


@dataclass(frozen=True, kw_only=True)
class Training:
    """Embeddings and targets, and which rows serve for what.

    Attributes:
        embeddings: [N, ...].
        targets: float32 [N, C]: 1, 0 or NaN.
        mean, scale: float32, one per feature (or per channel), over all rows.
        labelled: int64, rows to learn from.
        unlabelled: int64, rows of which something is unknown; none that is held out.
        held_out: int64, labelled rows that decide when to stop.
        per_channel: embeddings are feature maps [N, ..., C].
    """

    embeddings: NDArray[np.floating]
    targets: Tensor
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    labelled: Tensor
    unlabelled: Tensor
    held_out: Tensor
    per_channel: bool = False

    @staticmethod
    def of(
        embeddings: NDArray[np.floating],
        targets: NDArray[np.float32],
        mask: NDArray[np.bool_] | None,
        config: FixMatchConfig,
        *,
        pool: NDArray[np.bool_] | None = None,
        per_channel: bool = False,
    ) -> "Training":
        """Check what was given and sort the rows."""
        use = np.ones(len(embeddings), dtype=bool) if mask is None else mask
        free = np.ones(len(embeddings), dtype=bool) if pool is None else pool
        _check(embeddings, targets, use, free, config)
        known = (~np.isnan(targets)).any(axis=1)
        open_ = np.isnan(targets).any(axis=1)
        if config.output == "softmax":
            open_ &= ~(targets == 1).any(axis=1)
        mean, scale = moments(embeddings, per_channel=per_channel)
        return Training(
            embeddings=embeddings,
            targets=torch.from_numpy(targets),
            mean=mean,
            scale=scale,
            labelled=torch.from_numpy(np.flatnonzero(use & known)),
            unlabelled=torch.from_numpy(np.flatnonzero(open_ & free & (use | ~known))),
            held_out=torch.from_numpy(np.flatnonzero(~use & known)),
            per_channel=per_channel,
        )

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised embeddings and targets."""
        x = np.asarray(self.embeddings[rows.numpy()], dtype=np.float32)
        return torch.from_numpy((x - self.mean) / self.scale), self.targets[rows]


def class_targets(labels: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Targets float32 [N, n_classes] of class ids [N], -1 where unlabelled."""
    targets = np.full((len(labels), n_classes), np.nan, dtype=np.float32)
    known = np.flatnonzero(labels >= 0)
    targets[known] = 0
    targets[known, labels[known]] = 1
    return targets


def _check(
    embeddings: NDArray[np.floating],
    targets: NDArray[np.float32],
    use: NDArray[np.bool_],
    free: NDArray[np.bool_],
    config: FixMatchConfig,
) -> None:
    problems = []
    n = len(embeddings)
    if targets.ndim != 2 or not n == len(targets) == len(use) == len(free):
        raise FieldmarkError(
            f"embeddings have {n} rows; targets have shape {list(targets.shape)}, the mask "
            f"{list(use.shape)}, the pool {list(free.shape)}. Targets [N, C], a mask [N] and a "
            "pool [N] are wanted"
        )
    odd = ~(np.isnan(targets) | (targets == 0) | (targets == 1)).all(axis=1)
    problems += bad_rows(odd, "targets are none of 0, 1 and NaN")
    if config.output == "softmax":
        problems += bad_rows((targets == 1).sum(axis=1) > 1, "several classes present; use sigmoid")
        problems += bad_rows((targets == 0).all(axis=1), "no class possible; use sigmoid")
    if not ((~np.isnan(targets)).any(axis=1) & use).any():
        problems.append("nothing is labelled among the items to learn from; label some first")
    if problems:
        raise FieldmarkError.from_problems("this cannot be learned from:", problems)
