"""What a strategy may look at, and nothing else."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError

# Softmax rows summed in float32 over 1,000 classes stay well within this.
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Pool:
    """All items of a run, labelled and not.

    Attributes:
        embeddings: float32 [N, D].
        probs: float32 [N, C], rows sum to 1; None before there is a model.
        labelled: bool [N].
        labels: int64 [N], class id, -1 where unlabelled. Ids need not be contiguous.
        groups: int64 [N], burst or location of each item; None where unknown.
    """

    embeddings: NDArray[np.float32]
    probs: NDArray[np.float32] | None
    labelled: NDArray[np.bool_]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labelled)

    @property
    def unlabelled(self) -> NDArray[np.intp]:
        """Positions that may be queried, ascending."""
        return np.flatnonzero(~self.labelled)


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
    }
    problems = [
        f"{name} has {len(array)} rows, labelled has {n}"
        for name, array in arrays.items()
        if array is not None and len(array) != n
    ]
    finite = np.asarray(np.isfinite(pool.embeddings).all(axis=1))
    problems += _bad_rows("embeddings", ~finite)
    if pool.probs is not None:
        sums = pool.probs.sum(axis=1)
        problems += _bad_rows("probs", ~np.isfinite(sums))
        off = np.isfinite(sums) & (np.abs(sums - 1) > _SUM_TOLERANCE)
        problems += _bad_rows("probs", off, what="do not sum to one")
    if problems:
        raise FieldmarkError.from_problems("the pool cannot be queried:", problems)


def _bad_rows(
    name: str, bad: NDArray[np.bool_], *, what: str = "hold NaN or infinity"
) -> list[str]:
    rows = np.flatnonzero(bad)
    if not len(rows):
        return []
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    return [f"{name}: {len(rows)} rows {what}: {shown}"]
