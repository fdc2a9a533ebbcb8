"""The default strategy: one rule for every stage of a run and every kind of pool."""

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.clusters import UnitRows
from classification.query.distances import Floats, row_blocks
from classification.query.herding import herd
from classification.query.limits import Limits, within
from classification.query.needs import need_embeddings
from classification.query.pool import Pool
from classification.query.scores import by_block, margin
from classification.query.uncertainty import random

_SAMPLE = 20_000


def auto(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    frames: int = 1,
    sigma: float = 1.0,
    rarity: float = 0.5,
    sample: int = _SAMPLE,
) -> NDArray[np.intp]:
    """Cover what the model is unsure of, rare classes first, one frame of a burst.

    Each pick adds most to the weighted similarity of all items to what is labelled or chosen, as in
    Uncertainty Herding (Bae et al. 2025), here in the space that the classifier head sees: columns
    standardised, rows at length one. What an item weighs follows from the labels so far:

    - without a model every item counts the same, and the batch is the pool's best summary;
    - with one, an item counts one minus the margin of its two largest probabilities. An unsure
      model leaves the choice to coverage, a sure one narrows it to what is still open;
    - and more where the model suspects a class with few labels: by the mean over its probabilities
      of ``(labels of the class + 1) ** -rarity``, for macro-F1 gains most from those.

    Where bursts are known, it runs on one frame of each, first of those without any label. Cost,
    memory and the approximation above `sample` items are those of `maxherding`.

    Args:
        pool: needs nothing: embeddings, probabilities and bursts are used where they are.
        n: how many.
        rng: draws the frames, and the sample of a large pool.
        frames: most of one burst in a batch; 0: bursts do not matter.
        sigma: width of the similarity.
        rarity: 0 counts all classes alike, 1 by the inverse of their labels.
        sample: most items at a time; memory grows with its square.
    """
    if not 0 <= rarity <= 1:
        raise FieldmarkError(f"rarity is {rarity}; give 0 to 1")
    if not pool.embeddings.shape[1]:
        return within(random, Limits(per_group=frames))(pool, n, rng)

    def cover(part: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        weights = None if part.probs is None else _weights(part, part.probs, rarity)
        return herd(part, _space(part), n, rng, sigma=sigma, sample=sample, weights=weights)

    return within(cover, Limits(per_group=frames))(pool, n, rng)


def _weights(pool: Pool, probs: Floats, rarity: float) -> Floats:
    """Uncertainty times expected rarity, float32 [N]."""
    known = pool.labels[pool.taught]
    counts = np.bincount(known, minlength=probs.shape[1])[: probs.shape[1]]
    rare = ((counts + 1.0) ** -rarity).astype(np.float32)

    def block(rows: Floats) -> Floats:
        return np.multiply(1 + margin(rows), rows @ rare, dtype=np.float32)

    return by_block(block, probs)


def _space(pool: Pool) -> UnitRows:
    """All items, standardised by column and scaled to length one when they are asked for."""
    x = need_embeddings(pool)
    mean = x.mean(axis=0, dtype=np.float64)
    squares = np.zeros(x.shape[1])
    for rows in row_blocks(len(x)):
        squares += ((x[rows] - mean) ** 2).sum(axis=0)
    spread = np.sqrt(squares / len(x))
    return UnitRows(
        x,
        np.arange(len(x)),
        mean=mean.astype(np.float32),
        scale=np.where(spread > 1e-6, spread, 1).astype(np.float32),
    )
