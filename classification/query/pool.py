"""What a strategy may look at, and nothing else."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Head(Protocol):
    """A classifier of embeddings. `classification.linear.Linear` is one."""

    def predict(self, embeddings: NDArray[np.float32], n_classes: int) -> NDArray[np.float32]:
        """Class probabilities: float32 [M, D] to float32 [M, n_classes]."""
        ...

    def gradient(self, embeddings: NDArray[np.float32], n_classes: int) -> NDArray[np.float32]:
        """Of the cross-entropy of the predicted class by the embedding: float32 [M, D]."""
        ...


@dataclass(frozen=True, kw_only=True)
class Pool:
    """All items of a run, labelled and not.

    Attributes:
        embeddings: float32 [N, D].
        probs: float32 [N, C], rows sum to 1; None before there is a model.
        labelled: bool [N]; what nobody need be asked about: items with a label, and items that
            were decided on otherwise (unsure, excluded), whose entry in `labels` is -1.
        labels: int64 [N], class id, -1 where there is none. Ids need not be contiguous; an id is
            the column of `probs`, where there are probabilities.
        groups: int64 [N], the burst of each item, below 0 where that is unknown; None where none
            is known.
        locations: int64 [N], the camera location of each item, as `groups`.
        committee: float32 [M, N, C], what each of several models (an ensemble, or dropout passes)
            says; None where there is one model only.
        head: the classifier that made `probs` of `embeddings`; never without `probs`. Strategies
            that need one fit a linear one on the labels where it is None.
    """

    embeddings: NDArray[np.float32]
    probs: NDArray[np.float32] | None
    labelled: NDArray[np.bool_]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None
    locations: NDArray[np.int64] | None = None
    committee: NDArray[np.float32] | None = None
    head: Head | None = None

    def __len__(self) -> int:
        return len(self.labelled)

    @property
    def unlabelled(self) -> NDArray[np.intp]:
        """Positions that may be queried, ascending."""
        return np.flatnonzero(~self.labelled)

    @property
    def taught(self) -> NDArray[np.intp]:
        """Positions with a class, ascending: what a model can learn from."""
        return np.flatnonzero(self.labelled & (self.labels >= 0))

    def rows(self, rows: NDArray[np.intp]) -> "Pool":
        """The pool of these rows only, in their order."""

        def take(array: NDArray | None) -> NDArray | None:
            return None if array is None else array[rows]

        return Pool(
            embeddings=self.embeddings[rows],
            probs=take(self.probs),
            labelled=self.labelled[rows],
            labels=self.labels[rows],
            groups=take(self.groups),
            locations=take(self.locations),
            committee=None if self.committee is None else self.committee[:, rows],
            head=self.head,
        )
