"""What a head is trained on: embeddings, partly known targets, and which rows serve for what."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from classification.errors import FieldmarkError
from classification.learning.fixmatch_config import FixMatchConfig

_BLOCK = 4096  # embeddings at a time


@dataclass(frozen=True, kw_only=True)
class Training:
    """Embeddings and targets, and which rows serve for what.

    Attributes:
        embeddings: [N, ...].
        targets: float32 [N, C]: 1, 0 or NaN.
        mean, scale: float32, one per feature, over all rows.
        labelled: int64, rows to learn from.
        unlabelled: int64, rows of which something is unknown; none that is held out.
        held_out: int64, labelled rows that decide when to stop.
    """

    embeddings: NDArray[np.floating]
    targets: Tensor
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    labelled: Tensor
    unlabelled: Tensor
    held_out: Tensor

    @staticmethod
    def of(
        embeddings: NDArray[np.floating],
        targets: NDArray[np.float32],
        mask: NDArray[np.bool_] | None,
        config: FixMatchConfig,
    ) -> "Training":
        """Check what was given and sort the rows."""
        use = np.ones(len(embeddings), dtype=bool) if mask is None else mask
        _check(embeddings, targets, use, config)
        known = (~np.isnan(targets)).any(axis=1)
        open_ = np.isnan(targets).any(axis=1)
        if config.output == "softmax":
            open_ &= ~(targets == 1).any(axis=1)
        mean, scale = _moments(embeddings)
        return Training(
            embeddings=embeddings,
            targets=torch.from_numpy(targets),
            mean=mean,
            scale=scale,
            labelled=torch.from_numpy(np.flatnonzero(use & known)),
            unlabelled=torch.from_numpy(np.flatnonzero(open_ & (use | ~known))),
            held_out=torch.from_numpy(np.flatnonzero(~use & known)),
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
    config: FixMatchConfig,
) -> None:
    problems = []
    n = len(embeddings)
    if targets.ndim != 2 or len(targets) != n or len(use) != n:
        raise FieldmarkError(
            f"embeddings have {n} rows; targets have shape {list(targets.shape)}, the mask "
            f"{list(use.shape)}. Targets [N, C] and a mask [N] are wanted"
        )
    odd = ~(np.isnan(targets) | (targets == 0) | (targets == 1)).all(axis=1)
    problems += _rows(odd, "targets are none of 0, 1 and NaN")
    if config.output == "softmax":
        problems += _rows((targets == 1).sum(axis=1) > 1, "several classes present; use sigmoid")
        problems += _rows((targets == 0).all(axis=1), "no class possible; use sigmoid")
    if not ((~np.isnan(targets)).any(axis=1) & use).any():
        problems.append("nothing is labelled among the items to learn from; label some first")
    if problems:
        raise FieldmarkError.from_problems("this cannot be learned from:", problems)


def _moments(embeddings: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and spread of every feature; 1 where a feature is constant."""
    first = second = np.zeros(embeddings.shape[1:])
    for start in range(0, len(embeddings), _BLOCK):
        block = np.asarray(embeddings[start : start + _BLOCK], dtype=np.float64)
        if not np.isfinite(block).all():
            bad = ~np.isfinite(block.reshape(len(block), -1)).all(axis=1)
            rows = np.pad(bad, (start, 0))
            raise FieldmarkError(_rows(rows, "embeddings hold NaN or infinity")[0])
        first = first + block.sum(axis=0)
        second = second + (block**2).sum(axis=0)
    mean = first / len(embeddings)
    spread = np.sqrt(np.maximum(second / len(embeddings) - mean**2, 0))
    scale = np.where(spread > 1e-6 * np.maximum(1, np.abs(mean)), spread, 1)
    return mean.astype(np.float32), scale.astype(np.float32)


def _rows(bad: NDArray[np.bool_], what: str) -> list[str]:
    rows = np.flatnonzero(bad)
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    return [f"{what} in {len(rows)} rows: {shown}"] if len(rows) else []
