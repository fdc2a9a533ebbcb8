"""MaxHerding and UHerding: the batch that leaves every item, or every unsure one, near a label."""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.clusters import UnitRows
from classification.query.distances import Floats, row_blocks, squared_distances
from classification.query.needs import need_embeddings
from classification.query.pool import Pool
from classification.query.scores import by_block, margin
from classification.query.similar import cover_pool
from classification.query.temperature import at_temperature, fitted_temperature

_SAMPLE = 20_000
_BLOCK = 1024  # rows of the table of pairs at a time: 80 MB at 20,000 columns
_NARROWEST = 0.01  # squared distances of unit rows are off by 1e-7, a thousandth of its square


def maxherding(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    sigma: float = 1.0,
    sample: int = _SAMPLE,
) -> NDArray[np.intp]:
    """Each pick adds most to the mean similarity of all items to what is labelled or chosen.

    Bae et al. 2024, Generalized Coverage for More Robust Low-Budget Active Learning. The similarity
    is the Gaussian exp(-‖x - x'‖² / sigma²) of embeddings at length one.

    Exact up to `sample` unlabelled items. Of more, that many are drawn, the rule runs on these, and
    each pick then moves to the best item of its surroundings among 250,000; a batch of more than a
    quarter of `sample` takes several such turns. Of 30,000 x 256, 100 picks by way of a sample of a
    half, a third, a sixth of the items have 0.98, 0.97, 0.96 of the exact gain over random picks in
    coverage; 1,000 picks 0.85, 0.73, 0.53: give 20 items of the sample to a pick
    (`benchmarks/coverage_quality.py`, also for `uherding` and `probcover`).

    Holds sample² numbers (1.6 GB) and a copy of the sample; costs one product (sample x D)(D x
    sample), and above the limit one of 250,000 x D with the labelled and the picks. 17 CPU seconds
    for 1,000 picks of 100,000 x 512, 19 of 1,000,000 x 256.

    Args:
        pool: needs embeddings; of the labels only who has one is read.
        n: how many.
        rng: draws the sample, and the rest once nothing adds anything.
        sigma: width of the similarity.
        sample: most items at a time; memory grows with its square.
    """
    x = UnitRows(need_embeddings(pool), np.arange(len(pool)))
    return herd(pool, x, n, rng, sigma=sigma, sample=sample, weights=None)


def uherding(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    sigma: float = 0.0,
    sample: int = _SAMPLE,
    temperature: float = 0.0,
) -> NDArray[np.intp]:
    """MaxHerding where an item counts by how unsure the model is of it.

    Bae et al. 2025, Uncertainty Herding: One Active Learning Method for All Label Budgets. The
    weight of an item is one minus the margin of its two largest probabilities, made honest by a
    temperature fitted on held-out labels. As labels become dense the similarity narrows, and the
    rule goes from MaxHerding, which it is without a model, to margin. Cost, memory and
    approximation are those of `maxherding`; items go into the sample in proportion to their weight,
    the most unsure for certain.

    Args:
        pool: needs embeddings; probabilities where there is a model.
        n: how many.
        rng: splits the labels, draws the sample and the rest once nothing adds anything.
        sigma: width of the similarity; 0: the smallest distance of two labelled items, as in the
            paper, or 1 with fewer than two.
        sample: most items at a time; memory grows with its square.
        temperature: of the probabilities; 0: fitted, 1 leaves them as they are.
    """
    if temperature < 0:
        raise FieldmarkError(f"temperature is {temperature}; give 0 (fitted) or more")
    x = UnitRows(need_embeddings(pool), np.arange(len(pool)))
    if not sigma:
        labelled = rng.permutation(np.flatnonzero(pool.labelled))[:_SAMPLE]
        sigma = _closest(replace(x, positions=labelled))
    weights = None
    if pool.probs is not None and len(pool.taught):
        honest = partial(at_temperature, temperature=temperature or fitted_temperature(pool, rng))
        weights = 1 + by_block(lambda rows: margin(honest(rows)), pool.probs)
    return herd(pool, x, n, rng, sigma=sigma, sample=sample, weights=weights)


def herd(
    pool: Pool,
    x: UnitRows,
    n: int,
    rng: np.random.Generator,
    *,
    sigma: float,
    sample: int,
    weights: Floats | None,
) -> NDArray[np.intp]:
    """`maxherding` in any space of unit rows, with what each item counts.

    Args:
        pool: of it only who is labelled.
        x: every item of the pool.
        n: how many.
        rng: see `maxherding`.
        sigma: width of the similarity.
        sample: most items at a time.
        weights: float32 [N], what is below 0 counts as 0; None: all count 1.
    """
    return cover_pool(pool, x, n, rng, likeness=Gaussian(sigma), sample=sample, weights=weights)


class Gaussian:
    """The `Likeness` exp(-squared / sigma²)."""

    def __init__(self, sigma: float) -> None:
        if sigma <= 0:
            raise FieldmarkError(f"sigma is {sigma}; give a width above 0")
        self.scale = np.float32(-1 / max(sigma, _NARROWEST) ** 2)

    def at(self, squared: Floats) -> Floats:
        """See `Likeness`."""
        squared *= self.scale
        return np.exp(squared, out=squared)

    def cover(self, x: Floats, near: Floats, counts: Floats) -> "Similar":
        """See `Likeness`."""
        return Similar(x, near, counts, self)


class Similar:
    """The `Cover` of a Gaussian likeness. Holds that of all pairs, float32 [M, M]."""

    def __init__(self, x: Floats, near: Floats, counts: Floats, likeness: Gaussian) -> None:
        self.counts, self.covered = counts, likeness.at(near.copy())
        self.pairs = np.empty((len(x), len(x)), dtype=np.float32)
        for rows in row_blocks(len(x), _BLOCK):  # of a symmetric table, half is computed
            block = likeness.at(squared_distances(x[rows], x[rows.start :]))
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


def _closest(x: UnitRows) -> float:
    """The smallest distance of two rows that do not coincide, 1 when there are none."""
    least = np.float32(np.inf)
    for rows in row_blocks(len(x), 1024):
        squared = squared_distances(x[rows], x[rows.start :])
        apart = squared[squared > _NARROWEST**2]
        least = min(least, apart.min(initial=np.inf))
    return float(np.sqrt(least)) if np.isfinite(least) else 1.0
