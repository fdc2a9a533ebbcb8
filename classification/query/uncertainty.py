"""Strategies that take the highest scores, one item at a time and whatever the others are."""

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query import scores
from classification.query.needs import need_probs
from classification.query.pool import Pool
from classification.query.ranking import best
from classification.query.strategy import Strategy


def random(pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """`n` unlabelled items, uniformly without replacement."""
    return rng.permutation(pool.unlabelled)[:n]


def by_score(score: Callable[[scores.Probs], NDArray[np.float32]]) -> Strategy:
    """The strategy that takes the `n` highest scores of the probabilities."""

    def strategy(pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        return best(score(need_probs(pool)), pool.unlabelled, n, rng)

    return strategy


def by_class(wanted: str) -> Strategy:
    """The strategy for one class: its borderline items, or those most or least like it."""

    def strategy(pool: Pool, n: int, rng: np.random.Generator, *, target: int) -> NDArray[np.intp]:
        """`target`: class id, a column of the probabilities."""
        return best(class_scores(wanted, pool, rng, target=target), pool.unlabelled, n, rng)

    return cast(Strategy, strategy)  # `select` sees to it that the target is given


def class_scores(
    wanted: str, pool: Pool, rng: np.random.Generator, *, target: int
) -> NDArray[np.float32]:
    """The score of class `target` (`scores.of_class`): float32 [N]; nothing is drawn from `rng`.

    Raises:
        FieldmarkError: no probabilities, or `target` is none of their columns.
    """
    probs = need_probs(pool)
    columns = probs.shape[1]
    if not 0 <= target < columns:
        raise FieldmarkError(
            f"target is {target}; give the class id to look for, 0 to {columns - 1}"
        )
    return scores.of_class(target, wanted=wanted)(probs)
