"""The greedy choice of items to which many others are similar, on all of them or by a sample."""

import numpy as np
from numpy.typing import NDArray

from classification.query.clusters import UnitRows, nearest_centre
from classification.query.coverage import lazy_greedy, representatives
from classification.query.distances import Floats, row_blocks, squared_distances

_BLOCK = 1024  # rows, or centres, of similarities at a time: 80 MB at 20,000 columns
_CELL = 2_000  # most items of one pick's surroundings: 16 MB of similarities


def similarity(x: Floats, y: Floats, sigma: float) -> Floats:
    """exp(-‖x_i - y_j‖² / sigma²): float32 [N, M], 0 to 1."""
    return _fading(squared_distances(x, y), sigma)


def _fading(squared: Floats, sigma: float) -> Floats:
    """exp(-squared / sigma²), in place; 0 at infinity."""
    squared *= np.float32(-1 / sigma**2)
    return np.exp(squared, out=squared)


class Similar:
    """A `Cover` of some rows by themselves: the weighted sum of similarities to the nearest chosen.

    Bae et al. 2024, eq. 4, with what each item counts. Holds the similarities of all pairs.

    Args:
        x: float32 [M, D].
        near: float32 [M], squared distance of each to the nearest of what is labelled or chosen.
        counts: float32 [M], what each item's similarity counts.
        sigma: width of the similarity.
    """

    def __init__(self, x: Floats, near: Floats, counts: Floats, sigma: float) -> None:
        self.counts, self.covered = counts, _fading(near.copy(), sigma)
        self.pairs = np.empty((len(x), len(x)), dtype=np.float32)
        for rows in row_blocks(len(x), _BLOCK):  # of a symmetric table, half is computed
            block = similarity(x[rows], x[rows.start :], sigma)
            self.pairs[rows, rows.start :] = block
            self.pairs[rows.start :, rows] = block.T
        self._added = np.empty(len(x), dtype=np.float32)

    def gains(self) -> Floats:
        """See `Cover`."""
        out = np.empty(len(self.pairs), dtype=np.float32)
        for rows in row_blocks(len(out), _BLOCK):
            added = self.pairs[rows] - self.covered
            out[rows] = np.maximum(added, 0, out=added) @ self.counts
        return out

    def gain(self, candidate: int) -> float:
        """See `Cover`."""
        np.subtract(self.pairs[candidate], self.covered, out=self._added)
        np.maximum(self._added, 0, out=self._added)
        return float(self._added @ self.counts)

    def take(self, candidate: int) -> None:
        """See `Cover`."""
        np.maximum(self.covered, self.pairs[candidate], out=self.covered)


class Surroundings:
    """Items to choose from, what each counts, and how near each is to what is labelled or chosen.

    Args:
        x: rows of length one, M of them.
        counts: float32 [M].
        centres: of what is labelled or chosen, rows of length one.
        sigma: width of the similarity.
    """

    def __init__(self, x: UnitRows, counts: Floats, centres: UnitRows, sigma: float) -> None:
        self.x, self.counts, self.sigma = x, counts.copy(), sigma
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
            cover = Similar(self.x[part], self.near[part], counts, self.sigma)
            found = part[lazy_greedy(cover, turn)]
            del cover  # before the next one is made
            if not len(found):
                break
            found = found if whole else self._moved(found, rng)
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
        closer = distances < self.near
        closer[picks] = False  # a copy of a pick must not be chosen twice
        rows = np.flatnonzero(closer)
        rows = rows[np.argsort(of[rows], kind="stable")]
        cells = np.split(rows, np.searchsorted(of[rows], np.arange(1, len(picks))))
        moved = [self._best(pick, cell, rng) for pick, cell in zip(picks, cells, strict=True)]
        return np.array(moved, dtype=np.intp)

    def _best(self, pick: np.intp, cell: NDArray[np.intp], rng: np.random.Generator) -> np.intp:
        if len(cell) >= _CELL:
            cell = rng.choice(cell, _CELL - 1, replace=False)
        rows = np.concatenate([[pick], cell])
        x, covered = self.x[rows], _fading(self.near[rows], self.sigma)
        added = similarity(x, x, self.sigma)
        added -= covered
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
