"""The registry of strategies and the one way to run them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query import scores
from classification.query.names import NEEDS_MODEL, STRATEGY_NAMES
from classification.query.pool import Pool, check_pool

Strategy = Callable[[Pool, int, np.random.Generator], NDArray[np.intp]]
"""n positions into the pool, best first: unique, none labelled, the same for the same generator."""

Score = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def random(pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """`n` unlabelled items, uniformly without replacement."""
    return rng.permutation(pool.unlabelled)[:n]


def by_score(score: Score) -> Strategy:
    """The strategy that takes the `n` highest scores; ties are broken at random."""

    def strategy(pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        assert pool.probs is not None  # select() has checked
        candidates = rng.permutation(pool.unlabelled)  # a stable sort then breaks ties at random
        value = score(pool.probs[candidates])
        return candidates[np.argsort(-value, kind="stable")[:n]]

    return strategy


STRATEGIES: dict[str, Strategy] = {
    "random": random,
    "margin": by_score(scores.margin),
    "entropy": by_score(scores.entropy),
    "least_confident": by_score(scores.least_confident),
}
assert tuple(STRATEGIES) == STRATEGY_NAMES


def select(name: str, pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Run a strategy by name.

    Args:
        name: a key of `STRATEGIES`.
        pool: what there is to choose from.
        n: how many; when fewer are unlabelled, all of them are returned.
        rng: source of every random choice.

    Returns:
        intp [min(n, unlabelled)]: positions into the pool, best first, unique, none labelled.

    Raises:
        FieldmarkError: unknown name, negative `n`, a faulty pool, or no model where one is needed.
    """
    if name not in STRATEGIES:
        raise FieldmarkError(f"unknown strategy {name!r}; allowed: {', '.join(STRATEGIES)}")
    if n < 0:
        raise FieldmarkError(f"cannot choose {n} items; ask for 0 or more")
    if name in NEEDS_MODEL and pool.probs is None:
        raise FieldmarkError(f"strategy {name!r} needs class probabilities and the pool has none")
    check_pool(pool)
    return STRATEGIES[name](pool, min(n, len(pool.unlabelled)), rng)
