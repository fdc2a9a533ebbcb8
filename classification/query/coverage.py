"""Batches that cover: lazy greedy choice for submodular gains, and rows that stand for a pool.

A gain is submodular when it only falls as more is chosen. Then a value computed earlier is an upper
bound, and the greedy choice needs to look again only at the items whose bound is the highest, some
sixty of 20,000 per pick.
"""

import heapq
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classification.query.distances import Floats


class Cover(Protocol):
    """What candidates would add to what is chosen already; never more than before."""

    def gains(self) -> Floats:
        """Of every candidate before the first pick: float32 [C]."""
        ...

    def gain(self, candidate: int) -> float:
        """Of one candidate now."""
        ...

    def take(self, candidate: int) -> None:
        """Choose it."""
        ...


def lazy_greedy(cover: Cover, n: int) -> list[int]:
    """Again and again the candidate of largest gain, of equal ones the first.

    Minoux 1978, Accelerated Greedy Algorithms for Maximizing Submodular Set Functions: the picks
    are those of the plain greedy choice. Stops before `n` when nothing gains any more.
    """
    heap = [(-gain, candidate) for candidate, gain in enumerate(cover.gains().tolist())]
    heapq.heapify(heap)
    picks: list[int] = []
    while heap and len(picks) < n:
        candidate = heap[0][1]
        gain = cover.gain(candidate)
        if gain <= 0:
            heapq.heappop(heap)
            continue
        heapq.heapreplace(heap, (-gain, candidate))
        if heap[0][1] == candidate:
            heapq.heappop(heap)
            cover.take(candidate)
            picks.append(candidate)
    return picks


def representatives(
    weights: Floats, m: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], Floats]:
    """Some `m` items whose weighted sums stand for those of all, and their weights.

    Items are drawn in proportion to their weight, those too heavy for that for certain, and each
    counts its weight over its probability (Horvitz and Thompson 1952): the sum of any function over
    them is right in the mean. In a random order, without repetition, and never an item of weight 0.

    Args:
        weights: float [N], not negative.
        m: how many, 1 or more; when no more have a weight, these are returned as they are.
        rng: draws them.
    """
    heavy = rng.permutation(np.flatnonzero(weights > 0))
    mass = weights[heavy].astype(np.float64)
    if len(heavy) <= m:
        return heavy, weights[heavy]
    chance = np.minimum(mass * _scale(mass, m), 1)
    marks = rng.random() + np.arange(m)  # one draw in each unit of the sum: systematic
    drawn = np.searchsorted(np.cumsum(chance), marks, side="right")
    drawn = np.unique(drawn[drawn < len(heavy)])
    return heavy[drawn], (mass[drawn] / chance[drawn]).astype(np.float32)


def _scale(mass: NDArray[np.float64], m: int) -> float:
    """The factor c with which the sum of min(c x mass, 1) is `m`."""
    falling = np.sort(mass)[::-1]
    rest = np.cumsum(falling[::-1])[::-1]  # sum from each on
    factors = (m - np.arange(m)) / rest[:m]  # if that many are drawn for certain
    certain = np.flatnonzero(factors * falling[:m] <= 1)
    return float(factors[certain[0] if len(certain) else -1])
