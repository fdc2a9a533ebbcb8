"""Who looks on while curves are played: nobody, or TensorBoard."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError

if TYPE_CHECKING:
    from torch import nn

    from classification.learning.finetune import Epoch

_CURVES = 20  # classes with a precision-recall curve of their own, the commonest first


class Watcher:
    """Is told of a curve as it is played; this one only looks."""

    def epoch(self, epoch: "Epoch", network: "nn.Module") -> None:
        """An epoch of training is over; `network` is as it is now."""

    def round(
        self,
        row: Mapping[str, float],
        *,
        queried: NDArray[np.int64],
        truth: NDArray[np.int64],
        probs: NDArray[np.floating],
        classes: Sequence[str],
    ) -> None:
        """A round is over.

        Args:
            row: of `Played.rows`.
            queried: class ids of what was labelled for it.
            truth: class ids of the test [N].
            probs: what the model says of the test [N, C].
            classes: C names.
        """

    def close(self) -> None:
        """The curve is over."""


class TensorBoard(Watcher):
    """Loss and accuracy by epoch; scores, queried classes and precision-recall curves by round.

    Rounds are placed at their number of labels, epochs one after another over all rounds.

    Args:
        folder: of the event files; one per curve.
        begun: rounds that were played before.
        epochs: most epochs of a round.

    Raises:
        FieldmarkError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, *, begun: int = 0, epochs: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise FieldmarkError(
                "TensorBoard is not installed: pip install 'fieldmark[tensorboard]', or leave out "
                "--tensorboard"
            ) from error
        self._writer, self._round, self._epochs = SummaryWriter(str(folder)), begun, epochs

    def epoch(self, epoch: "Epoch", network: "nn.Module") -> None:
        """Scalars of an epoch."""
        del network
        step = self._round * self._epochs + epoch.number
        for name in ("loss", "accuracy", "val_loss"):
            value = getattr(epoch, name)
            if math.isfinite(value):
                self._writer.add_scalar(f"training/{name}", value, step)

    def round(
        self,
        row: Mapping[str, float],
        *,
        queried: NDArray[np.int64],
        truth: NDArray[np.int64],
        probs: NDArray[np.floating],
        classes: Sequence[str],
    ) -> None:
        """Scalars, a histogram of the classes that were asked for, and curves of the test."""
        labels, self._round = int(row["num_labels"]), int(row["round"]) + 1
        for name in ("accuracy", "macro_f1", "balanced_accuracy", "seconds", "training_seconds"):
            self._writer.add_scalar(f"round/{name}", row[name], labels)
        bins: Any = np.arange(len(classes) + 1)  # one per class, though the signature says str
        self._writer.add_histogram("queried classes", queried, labels, bins=bins)
        counts = np.bincount(truth, minlength=len(classes))
        for label in np.argsort(-counts, kind="stable")[:_CURVES]:
            if counts[label]:
                self._writer.add_pr_curve(
                    f"precision-recall/{classes[label]}", truth == label, probs[:, label], labels
                )
        self._writer.flush()

    def close(self) -> None:
        """End the event file."""
        self._writer.close()
