"""Exact greedy choice of far-apart items, without a pass over the pool for every pick.

Both rules need, for each item, the dissimilarity to the nearest chosen one, and that only falls as
items are chosen. So values of an earlier moment are bounds, and the picks of many steps can be made
among a few hundred items before the whole pool is brought up to date with one product of matrices
for all of them. Beside the space they hold some 30 bytes per item and a table of 1,024 x 1,024.
"""

import numpy as np
from numpy.typing import NDArray

from classification.query.distances import Floats, Space

_WINDOW = 1024  # 1,000 picks of 100,000 x 512 take 4 passes; 7 with a window of 256


def farthest_first(
    space: Space,
    labelled: NDArray[np.bool_],
    n: int,
    rng: np.random.Generator,
    *,
    first: int,
    weights: Floats | None = None,
) -> NDArray[np.intp]:
    """Again and again the item farthest from all that are labelled or chosen (Gonzalez 1985).

    The candidates of a pass are the items that are farthest at its start; the farthest of them is
    the farthest of all as long as it is farther than the nearest of them was.

    Args:
        space: of N items.
        labelled: bool [N], the centres there are; these cannot be chosen.
        n: how many to choose, 1 to the number not labelled.
        rng: draws the rest of the batch once all others coincide with something chosen.
        first: the pick to start with when nothing is labelled.
        weights: float32 [N], not negative; factors of the dissimilarities. None: all 1.

    Returns:
        intp [n], in the order of choice.
    """
    nearest = np.full(len(labelled), np.inf, dtype=np.float32)
    taken = labelled.copy()
    centres = np.flatnonzero(labelled)
    picks: list[int] = []
    if not len(centres):
        picks, centres = [first], np.array([first])
    while len(picks) < n:
        taken[centres] = True
        space.lower(nearest, centres)
        gain = nearest.copy() if weights is None else nearest * weights
        gain[taken] = -1
        window = _largest(gain, _width(n - len(picks)))
        among = space.between(window)
        if weights is not None:
            among *= weights[window]
        centres = window[_while_farthest(gain[window], among, n - len(picks))]
        if not len(centres):
            break
        picks += centres.tolist()
    return _filled(picks, labelled, n, rng)


def sampled_apart(
    space: Space,
    labelled: NDArray[np.bool_],
    n: int,
    rng: np.random.Generator,
    *,
    weights: Floats | None = None,
) -> NDArray[np.intp]:
    """The seeding of k-means++: each item with a probability as its distance to the chosen ones.

    Arthur and Vassilvitskii 2007, with the item of largest `space.own` first. Proposals are drawn
    by the values at the start of a pass and kept with the probability of the value now over the
    value then: the same distribution as drawing by the values of now.

    Arguments and result are those of `farthest_first`, but for `labelled`, which is only what
    cannot be chosen and repels nothing.
    """
    size = space.own if weights is None else space.own * weights
    first = int(np.where(labelled, -1, size).argmax())
    picks, centres = [first], np.array([first])
    nearest = np.full(len(labelled), np.inf, dtype=np.float32)
    taken = labelled.copy()
    while len(picks) < n:
        taken[centres] = True
        space.lower(nearest, centres)
        mass = nearest.copy() if weights is None else nearest * weights
        mass[taken] = 0
        proposals = _drawn(mass, _width(n - len(picks)), rng)
        if not len(proposals):
            break
        kept = _while_apart(nearest[proposals], space.between(proposals), n - len(picks), rng)
        centres = proposals[kept]
        picks += centres.tolist()
    return _filled(picks, labelled, n, rng)


def _width(n: int) -> int:
    """How many items to look at for `n` picks: about a quarter of them were picked in a pass."""
    return min(_WINDOW, 8 * n)


def _largest(gain: Floats, n: int) -> NDArray[np.intp]:
    """Positions of the `n` largest, ascending."""
    if n >= len(gain):
        return np.arange(len(gain))
    return np.sort(np.argpartition(gain, len(gain) - n)[len(gain) - n :])


def _while_farthest(gain: Floats, among: Floats, n: int) -> list[int]:
    """Up to `n` of these items, as long as the best of them is the best of the pool."""
    bar = max(float(gain.min()), np.finfo(np.float32).tiny)  # at 0 all coincide with a centre
    picks: list[int] = []
    while len(picks) < n:
        best = int(gain.argmax())
        if gain[best] < bar:
            break
        picks.append(best)
        np.minimum(gain, among[best], out=gain)
        gain[best] = -1
    return picks


def _drawn(mass: Floats, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """`n` independent draws in proportion to `mass`; none when all of it is 0."""
    sums = np.cumsum(mass, dtype=np.float64)
    if sums[-1] <= 0:
        return np.zeros(0, dtype=np.intp)
    found = np.searchsorted(sums, rng.random(n) * sums[-1], side="right")
    return np.minimum(found, np.flatnonzero(mass)[-1])  # a product may round up to the sum


def _while_apart(stale: Floats, among: Floats, n: int, rng: np.random.Generator) -> list[int]:
    """Up to `n` of the proposals, each kept with probability ``now / stale``."""
    now, bars = stale.copy(), rng.random(len(stale)) * stale
    picks: list[int] = []
    for proposal in range(len(stale)):
        if bars[proposal] < now[proposal] and len(picks) < n:
            picks.append(proposal)
            np.minimum(now, among[proposal], out=now)
    return picks


def _filled(
    picks: list[int], labelled: NDArray[np.bool_], n: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """`picks`, and what is missing to `n` drawn at random from what remains."""
    rest = np.zeros(0, dtype=np.intp)
    if len(picks) < n:
        free = ~labelled
        free[picks] = False
        rest = rng.permutation(np.flatnonzero(free))[: n - len(picks)]
    return np.concatenate([np.array(picks, dtype=np.intp), rest])
