"""What strategies ask of a pool or an option, with an error that says what is missing."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classification.errors import FieldmarkError
from classification.query.pool import Pool

Weights = ArrayLike | Callable[[Pool], ArrayLike]
"""A number per item, or a function of the pool that gives them: under limits (bursts, locations) a
strategy is shown parts of the pool, and then only a function fits."""


def need_embeddings(pool: Pool) -> NDArray[np.float32]:
    """The embeddings, float32 [N, D] with D > 0.

    Raises:
        FieldmarkError: there are none, as before the first model of a run.
    """
    if not pool.embeddings.shape[1]:
        raise FieldmarkError(
            "this strategy compares embeddings and the pool has none (0 columns): embed the items "
            "first, or use 'random'"
        )
    return pool.embeddings


def need_probs(pool: Pool) -> NDArray[np.float32]:
    """The class probabilities, float32 [N, C].

    Raises:
        FieldmarkError: there is no model yet.
    """
    if pool.probs is None:
        raise FieldmarkError(
            "this strategy needs class probabilities and the pool has none: train a model first"
        )
    return pool.probs


def check_weights(weights: Weights, pool: Pool) -> NDArray[np.float32]:
    """float32 [N], scaled to a largest one of 1; all 1 where all are 0.

    Raises:
        FieldmarkError: another length, no numbers, negative, NaN or infinite.
    """
    given = np.asarray(weights(pool) if callable(weights) else weights)
    if given.dtype.kind not in "biuf" or given.shape != (len(pool),):
        raise FieldmarkError(
            f"weights is {given.dtype} of shape {given.shape}; give a number per item, "
            f"({len(pool)},), or a function of the pool where limits show the strategy parts of it"
        )
    out = given.astype(np.float32)
    bad = np.flatnonzero(~(np.isfinite(out) & (out >= 0)))
    if len(bad):
        raise FieldmarkError(
            f"weights: {len(bad)} are negative, NaN or infinite: {bad[:5].tolist()}; give 0 or more"
        )
    largest = out.max(initial=0)
    return out / largest if largest > 0 else np.ones_like(out)
