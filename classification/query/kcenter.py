"""k-center greedy, known as core-set selection: the batch that leaves no item far from a label."""

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.distances import SPACES
from classification.query.greedy import farthest_first
from classification.query.needs import Weights, check_weights, need_embeddings
from classification.query.pool import Pool


def kcenter(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    metric: str = "euclidean",
    weights: Weights | None = None,
) -> NDArray[np.intp]:
    """Each pick is the item farthest from its nearest labelled or chosen item.

    Sener and Savarese 2018, Active Learning for Convolutional Neural Networks: A Core-Set Approach;
    the greedy form, exact. Without labels the first pick is the item nearest the mean of all.
    Once every item left coincides with a chosen one, the rest is drawn at random.

    Costs one product (N x D)(D x labelled), one (N x D)(D x n) and a few passes over the pool; 30
    bytes per item and some blocks beside the input.

    Args:
        pool: needs embeddings; probabilities are not read.
        n: how many.
        rng: draws what is left to draw among coinciding items.
        metric: ``euclidean``, or ``cosine`` for embeddings scaled to length one.
        weights: not negative, one per item or a function of the pool: factors of the distances;
            the item of most weight comes first when there are no labels.
    """
    if metric not in SPACES:
        raise FieldmarkError(f"unknown metric {metric!r}; allowed: {', '.join(SPACES)}")
    space = SPACES[metric](need_embeddings(pool))
    first, factors = space.middle(), None
    if weights is not None:
        factors = check_weights(weights, pool) ** 2  # the space holds squared distances
        if factors[first] < factors.max():
            first = int(factors.argmax())
    return farthest_first(space, pool.labelled, n, rng, first=first, weights=factors)
