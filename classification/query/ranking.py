"""The `n` best of some candidates, places within groups, and shares of a batch."""

import numpy as np
from numpy.typing import NDArray


def best(
    scores: NDArray[np.float32],
    candidates: NDArray[np.intp],
    n: int,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """The `n` candidates with the highest scores, best first.

    Args:
        scores: float [N] over all items.
        candidates: positions that may be chosen.
        n: how many, 1 to ``len(candidates)``.
        rng: puts equal scores in random order.
    """
    value = scores[candidates]
    if n < len(value):  # sort no more than what can be among the n
        bar = np.partition(value, len(value) - n)[len(value) - n]
        keep = np.flatnonzero(value >= bar)
        candidates, value = candidates[keep], value[keep]
    order = rng.permutation(len(value))  # a stable sort then breaks ties at random
    return candidates[order[np.argsort(-value[order], kind="stable")]][:n]


def rank_within(groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many of the same group stand before each: intp [M]."""
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    rank = np.empty(len(groups), dtype=np.intp)
    rank[order] = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return rank


def shares(n: int, weights: list[float]) -> list[int]:
    """`n` divided by weight; what does not divide goes where the fraction lost is largest."""
    exact = n * np.array(weights, dtype=np.float64) / sum(weights)
    parts = np.floor(exact).astype(int)
    for i in np.argsort(parts - exact, kind="stable")[: n - parts.sum()]:
        parts[i] += 1
    return parts.tolist()
