"""What a strategy may look at, and nothing else."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError

# Softmax rows summed in float32 over 1,000 classes stay well within this.
_SUM_TOLERANCE = 1e-3
_BLOCK = 65_536  # rows checked at a time


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
        groups: int64 [N], the burst of each item; None where unknown.
        locations: int64 [N], the camera location of each item; None where unknown.
        committee: float32 [M, N, C], what each of several models (an ensemble, or dropout passes)
            says; None where there is one model only.
        head: the classifier that made `probs` of `embeddings`. Strategies that need one fit a
            linear one on the labels where it is None.
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


def check_pool(pool: Pool) -> None:
    """Refuse a pool that would make a strategy choose nonsense.

    Raises:
        FieldmarkError: lengths differ, or embeddings or probabilities hold NaN or infinity, or
            probabilities do not sum to one; the first rows at fault are named.
    """
    n = len(pool)
    arrays = {
        "embeddings": pool.embeddings,
        "probs": pool.probs,
        "labels": pool.labels,
        "groups": pool.groups,
        "locations": pool.locations,
    }
    problems = [
        f"{name} has {len(array)} rows, labelled has {n}"
        for name, array in arrays.items()
        if array is not None and len(array) != n
    ]
    problems += _bad_rows("embeddings", ~_finite(pool.embeddings))
    if pool.probs is not None:
        problems += _bad_probs("probs", pool.probs)
    if pool.committee is not None:
        if pool.committee.ndim != 3 or pool.committee.shape[1] != n:
            problems.append(f"committee has shape {pool.committee.shape}; it must be [M, {n}, C]")
        else:
            for member, probs in enumerate(pool.committee):
                problems += _bad_probs(f"committee[{member}]", probs)
    if problems:
        raise FieldmarkError.from_problems("the pool cannot be queried:", problems)


def _finite(array: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Rows without NaN or infinity: a sum of finite float32 in float64 is finite."""
    blocks = range(0, len(array), _BLOCK)
    sums = [array[i : i + _BLOCK].sum(axis=1, dtype=np.float64) for i in blocks]
    return np.isfinite(np.concatenate(sums)) if sums else np.zeros(0, dtype=bool)


def _bad_probs(name: str, probs: NDArray[np.float32]) -> list[str]:
    sums = probs.sum(axis=1)
    finite = np.isfinite(sums)
    problems = _bad_rows(name, ~finite)
    if not probs.min(initial=0) >= 0:  # a twentieth of the time of a minimum per row
        negative = finite & (probs.min(axis=1, initial=0) < 0)
        problems += _bad_rows(name, negative, what="are negative")
    off = finite & (np.abs(sums - 1) > _SUM_TOLERANCE)
    return problems + _bad_rows(name, off, what="do not sum to one")


def _bad_rows(
    name: str, bad: NDArray[np.bool_], *, what: str = "hold NaN or infinity"
) -> list[str]:
    rows = np.flatnonzero(bad)
    if not len(rows):
        return []
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    return [f"{name}: {len(rows)} rows {what}: {shown}"]
