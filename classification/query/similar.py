"""Greedy choice of items to which many others are alike: among all of a pool, or by a sample."""

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.clusters import UnitRows, nearest_centre
from classification.query.coverage import Cover, lazy_greedy, representatives
from classification.query.distances import Floats, row_blocks, squared_distances
from classification.query.pool import Pool

_WIDER = 250_000  # items among which the picks of a sample are put right
_BLOCK = 1024  # rows, or centres, at a time: 80 MB at 20,000 columns
_CELL = 2_000  # most items of one pick's surroundings: 16 MB of likeness


class Likeness(Protocol):
    """How alike items are by their distance, 0 to 1, and what the greedy choice asks about it."""

    def at(self, squared: Floats) -> Floats:
        """The likeness at these squared distances, in place; 0 at infinity."""
        ...

    def cover(self, x: Floats, near: Floats, counts: Floats) -> Cover:
        """The gain in the sum over items of the likeness to the nearest that is chosen.

        Args:
            x: float32 [M, D].
            near: float32 [M], squared distance to the nearest of what is labelled or chosen.
            counts: float32 [M], what each item's likeness counts.
        """
        ...


def cover_pool(
    pool: Pool,
    x: UnitRows,
    n: int,
    rng: np.random.Generator,
    *,
    likeness: Likeness,
    sample: int,
    weights: Floats | None = None,
) -> NDArray[np.intp]:
    """The batch that adds most to the likeness of all items to the nearest labelled or chosen one.

    Exact up to `sample` unlabelled items of some weight. Of more, that many are drawn in proportion
    to their weight, the rule runs on these, and each pick moves to the best of the items it is the
    nearest of, among 250,000 drawn in the same way; after a quarter of `sample` picks all is drawn
    anew. The rest is drawn at random once nothing adds anything.

    Args:
        pool: of it only who is labelled.
        x: every item of the pool.
        n: how many.
        rng: draws the samples and the rest, and breaks ties.
        likeness: by distance.
        sample: most items at a time.
        weights: float32 [N], what each item's likeness counts, below 0 as 0. None: all 1.

    Raises:
        FieldmarkError: `sample` is below 1.
    """
    if sample < 1:
        raise FieldmarkError(f"sample is {sample}; give 1 or more")
    labelled = np.flatnonzero(pool.labelled)
    mass = np.ones(len(pool), dtype=np.float32) if weights is None else np.maximum(weights, 0)
    mass[labelled] = 0
    picks = np.zeros(0, dtype=np.intp)
    while len(picks) < n and mass.any():
        rows, counts = representatives(mass, max(_WIDER, sample), rng)
        centres = replace(x, positions=np.concatenate([labelled, picks]))
        around = Surroundings(replace(x, positions=rows), counts, centres, likeness)
        found = rows[around.choose(n - len(picks), sample, rng)]
        picks = np.concatenate([picks, found])
        if not len(found) or len(rows) == np.count_nonzero(mass):
            break
        mass[found] = 0
    rest = np.setdiff1d(pool.unlabelled, picks)
    return np.concatenate([picks, rng.permutation(rest)[: n - len(picks)]])


class Surroundings:
    """Items to choose from, what each counts, and how near each is to what is labelled or chosen.

    Args:
        x: rows of length one, M of them.
        counts: float32 [M].
        centres: of what is labelled or chosen, rows of length one.
        likeness: by distance.
    """

    def __init__(self, x: UnitRows, counts: Floats, centres: UnitRows, likeness: Likeness) -> None:
        self.x, self.counts, self.likeness = x, counts.copy(), likeness
        self.near = _nearest_squared(x, centres)

    def choose(self, n: int, sample: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Up to `n` positions in `x` by greedy choice, fewer when no other adds anything.

        Exact when `sample` is M or more. Otherwise a quarter of the sample at a time, each pick put
        right among all of `x`.
        """
        picks = np.zeros(0, dtype=np.intp)
        while len(picks) < n and self.counts.any():
            part, counts = representatives(self.counts, sample, rng)
            whole = len(part) == np.count_nonzero(self.counts)
            turn = n - len(picks) if whole else min(n - len(picks), max(sample // 4, 1))
            cover = self.likeness.cover(self.x[part], self.near[part], counts)
            found = part[lazy_greedy(cover, turn)]
            del cover  # before the next one is made
            if not len(found) or whole:
                return np.concatenate([picks, found])
            found = self._moved(found, rng)
            picks = np.concatenate([picks, found])
            self.counts[found] = 0
            if len(picks) < n:
                np.minimum(self.near, nearest_centre(self.x, self.x[found])[1], out=self.near)
        return picks

    def _moved(self, picks: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
        """Each pick replaced by the best item of those it is the nearest centre of.

        The sum over all items can only grow by it: the others keep the centres they had.
        """
        of, distances = nearest_centre(self.x, self.x[picks])
        closer = (distances < self.near) & (self.counts > 0)
        closer[picks] = False  # not one twice that coincides with another
        rows = np.flatnonzero(closer)
        rows = rows[np.argsort(of[rows], kind="stable")]
        cells = np.split(rows, np.searchsorted(of[rows], np.arange(1, len(picks))))
        moved = [self._best(pick, cell, rng) for pick, cell in zip(picks, cells, strict=True)]
        return np.array(moved, dtype=np.intp)

    def _best(self, pick: np.intp, cell: NDArray[np.intp], rng: np.random.Generator) -> np.intp:
        if len(cell) >= _CELL:
            cell = rng.choice(cell, _CELL - 1, replace=False)
        rows = np.concatenate([[pick], cell])
        x = self.x[rows]
        added = self.likeness.at(squared_distances(x, x))
        added -= self.likeness.at(self.near[rows])
        return rows[(np.maximum(added, 0, out=added) @ self.counts[rows]).argmax()]


def _nearest_squared(x: UnitRows, centres: UnitRows) -> Floats:
    """Squared distance of each row to the nearest centre, infinity where there is none: [M]."""
    out = np.full(len(x), np.inf, dtype=np.float32)
    for rows in row_blocks(len(x) if len(centres) else 0):
        block = x[rows]
        for some in row_blocks(len(centres), _BLOCK):
            found = squared_distances(block, centres[some]).min(axis=1)
            np.minimum(out[rows], found, out=out[rows])
    return out
