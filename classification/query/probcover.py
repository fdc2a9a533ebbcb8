"""ProbCover: the batch whose balls hold as many items as possible."""

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.clusters import UnitRows, kmeans
from classification.query.distances import Floats, row_blocks, squared_distances
from classification.query.needs import need_embeddings
from classification.query.pool import Pool
from classification.query.similar import cover_pool

_ANCHORS = 1_000  # items whose balls are looked at for the radius: 0.95 is met to 0.007
_SMALLEST = 1e-3  # squared distances of unit rows are off by 1e-7, a tenth of its square
_BLOCK = 512  # rows of the table of balls at a time: 60 MB at 30,000 columns


def probcover(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    delta: float = 0.0,
    purity: float = 0.95,
    classes: int = 0,
    sample: int = 30_000,
) -> NDArray[np.intp]:
    """Each pick has most items, not covered yet, within `delta` of it.

    Yehuda et al. 2022, Active Learning Through a Covering Lens. Distances are those of embeddings
    at length one; an item is covered that lies nearer than `delta` to a labelled or chosen one.
    The radius is the paper's: the largest with which a share `purity` of all balls hold items of
    one cluster only, with as many clusters as classes.

    Exact up to `sample` unlabelled items, by a sample put right on more: see `similar.cover_pool`.
    Holds sample² bits (113 MB) and a copy of the sample; costs a product (sample x D)(D x sample),
    one with the labelled items, and for the radius k-means and (N x D)(D x 1,000).

    Args:
        pool: needs embeddings; of the labels only who has one is read, and how many classes.
        n: how many.
        rng: draws the sample, the items for the radius, and breaks ties.
        delta: radius of the balls, 0 to 2; 0: found by `purity`.
        purity: share of the balls that must be pure, above 0 and up to 1.
        classes: number of clusters for the purity; 0: the columns of the probabilities, or the
            classes labelled, or 10.
        sample: most items at a time; memory grows with its square.
    """
    if not (0 <= delta <= 2 and 0 < purity <= 1 and classes >= 0 and sample >= 1):
        raise FieldmarkError(
            f"delta is {delta}, purity {purity}, classes {classes} and sample {sample}; give a "
            "radius from 0 (found) to 2, a share above 0, 0 (found) or more classes, and a sample"
        )
    x = UnitRows(need_embeddings(pool), np.arange(len(pool)))
    radius = delta or pure_radius(x, classes or _classes(pool), purity, rng)
    return cover_pool(pool, x, n, rng, likeness=Ball(radius), sample=sample)


class Ball:
    """The `Likeness` that is 1 within a radius and 0 beyond."""

    def __init__(self, delta: float) -> None:
        self.squared = np.float32(max(delta, _SMALLEST) ** 2)

    def at(self, squared: Floats) -> Floats:
        """See `Likeness`."""
        return np.less(squared, self.squared, out=squared, casting="unsafe")

    def cover(self, x: Floats, near: Floats, counts: Floats) -> "Balls":
        """See `Likeness`; all items count the same."""
        return Balls(x, near < self.squared, self.squared)


class Balls:
    """The `Cover` of balls: the rows in one that nothing covers yet. Holds M² bits.

    Args:
        x: float32 [M, D].
        covered: bool [M], by what is labelled or chosen.
        radius: squared; a row at this distance is outside.
    """

    def __init__(self, x: Floats, covered: NDArray[np.bool_], radius: np.float32) -> None:
        words = -(-len(x) // 64)
        packed = np.zeros((len(x) + 1, 8 * words), dtype=np.uint8)
        for rows in row_blocks(len(x), _BLOCK):
            within = np.packbits(squared_distances(x[rows], x) < radius, axis=1)
            packed[rows, : within.shape[1]] = within
        uncovered = np.packbits(~covered)
        packed[-1, : len(uncovered)] = uncovered
        self.balls, self.uncovered = packed.view(np.uint64)[:-1], packed.view(np.uint64)[-1]

    def gains(self) -> Floats:
        """See `Cover`."""
        return np.array([self.gain(row) for row in range(len(self.balls))], dtype=np.float32)

    def gain(self, candidate: int) -> float:
        """See `Cover`."""
        return float(np.bitwise_count(self.balls[candidate] & self.uncovered).sum())

    def take(self, candidate: int) -> None:
        """See `Cover`."""
        self.uncovered &= ~self.balls[candidate]


def pure_radius(x: UnitRows, classes: int, purity: float, rng: np.random.Generator) -> float:
    """The largest radius with which that share of balls holds rows of one k-means cluster only.

    A ball is pure up to the distance to the nearest row of another cluster, so the radius is a
    quantile of these distances, where the paper searches for it. Over 1,000 rows drawn at random;
    2, the largest distance of unit rows, when all lie in one cluster.
    """
    of = kmeans(x, classes, rng).of
    anchors = rng.permutation(len(x))[:_ANCHORS]
    centres, nearest = x[anchors], np.full(len(anchors), np.inf, dtype=np.float32)
    for rows in row_blocks(len(x)):
        squared = squared_distances(centres, x[rows])
        squared[of[anchors, None] == of[rows]] = np.inf
        np.minimum(nearest, squared.min(axis=1), out=nearest)
    impure = int((1 - purity) * len(anchors) + 1e-9)  # balls that may be
    return min(float(np.sqrt(np.sort(nearest)[min(impure, len(anchors) - 1)])), 2.0)


def _classes(pool: Pool) -> int:
    if pool.probs is not None:
        return pool.probs.shape[1]
    return len(np.unique(pool.labels[pool.taught])) or 10
