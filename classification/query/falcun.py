"""FALCUN: uncertain items with predictions unlike those chosen before."""

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.distances import Floats, row_blocks
from classification.query.needs import need_probs
from classification.query.pool import Pool
from classification.query.scores import margin

# Rows may sum to 1 within this much (check_pool), and the bound below is off by as much.
_SUM_TOLERANCE = 4e-3


def falcun(
    pool: Pool, n: int, rng: np.random.Generator, *, gamma: float = 10.0
) -> NDArray[np.intp]:
    """Each pick drawn with a probability as (uncertainty + difference) to the power `gamma`.

    Gilhuber et al. 2024, FALCUN: A Simple and Efficient Deep Active Learning Strategy. The
    uncertainty u is one minus the margin; the difference r starts as u and becomes, after each
    pick j, min(r, ‖p - p_j‖₁) scaled to 0..1. Exact. When no item left has a weight, the rest is
    drawn uniformly.

    Costs about ten passes over one number per item for each pick, and the distances of those items
    only that can come nearer; memory: one copy of the probabilities and nine numbers per item.

    Args:
        pool: needs probabilities; embeddings are not read.
        n: how many.
        rng: draws the items.
        gamma: 0 draws uniformly, large values take the best.
    """
    if not gamma >= 0:
        raise FieldmarkError(f"gamma is {gamma}; give 0 (uniform) or more, as 10")
    probs, free = need_probs(pool), pool.unlabelled
    near = _Nearest(probs, free)
    uncertainty = 1 + margin(probs)[free]
    difference = uncertainty.copy()
    left = np.ones(len(free), dtype=bool)
    picks = np.empty(n, dtype=np.intp)
    for i in range(n):
        weights = (uncertainty + difference) * left
        weights /= weights.max() or 1  # or a high power leaves the range of float32
        weights **= np.float32(gamma)
        weights *= left  # 0 to the power 0 is 1
        picks[i] = _draw(weights, left, rng)
        left[picks[i]] = False
        near.lower(difference, int(picks[i]))
        largest = difference.max()
        if largest > 0:  # the smallest is 0, at the pick
            difference /= largest
    return free[picks]


def _draw(weights: Floats, left: NDArray[np.bool_], rng: np.random.Generator) -> int:
    sums = np.cumsum(weights, dtype=np.float64)
    if not sums[-1] > 0:
        return int(rng.choice(np.flatnonzero(left)))
    found = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
    return found if found < len(sums) and left[found] else int(np.flatnonzero(weights)[-1])


class _Nearest:
    """Distances ‖p - q‖₁, computed only where they can be small.

    Of probabilities that sum to one, ‖p - q‖₁ is at least 2 |p_c - q_c| for any class c. With the
    class predicted at q that leaves out most items of other predictions.
    """

    def __init__(self, probs: Floats, rows: NDArray[np.intp]) -> None:
        self.probs, self.rows = probs, rows
        self.columns = np.empty((probs.shape[1], len(rows)), dtype=np.float32)
        for block in row_blocks(len(rows)):
            self.columns[:, block] = probs[rows[block]].T

    def lower(self, difference: Floats, pick: int) -> None:
        """Lower `difference` to the distance to `pick`, a position in `rows`."""
        q = self.probs[self.rows[pick]]
        top = int(q.argmax())
        bound = np.abs(self.columns[top] - q[top])
        bound *= 2
        bound -= _SUM_TOLERANCE
        close = np.flatnonzero(bound < difference)
        for block in row_blocks(len(close)):
            some = close[block]
            distance = np.abs(self.probs[self.rows[some]] - q).sum(axis=1)
            difference[some] = np.minimum(difference[some], distance)
