"""Local search for a split: hill climbing over moves and swaps of units, shaken and repeated.

The score is a squared norm (see `SplitProblem.score`), so the change that any move makes follows
from one matrix product that is kept up to date: a step costs microseconds where scoring a fresh
random split costs a pass over all counts.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from classification.data.split_guarantees import solve_guarantees
from classification.data.split_problem import SplitProblem
from classification.data.split_search import best_of_all, random_search

_EXHAUSTIVE_UNITS = 9  # 19,683 splits
_STARTS = 2
_SHAKES = 40  # at most; each climbs again from the best split with some units moved at random
_SHAKE_WORK = 12_000  # units times shakes: 40 at 140 units, 20 at 600, 5 at 4,000
_SHAKEN = 12  # units moved by a shake; shakes gain more than as many new starts
_ALL_DRAWS_UNITS = 100  # above it the climb is an order of magnitude below any draw
_SWAP_CANDIDATES = 64  # of each side; all units where there are fewer
_MIN_GAIN = 1e-5
_TRIES = 50  # best swaps looked at for each pair of splits


@dataclass(frozen=True, kw_only=True)
class Found:
    """The split that a search ended with.

    proven: no split can come nearer to the guarantees.
    """

    split: np.ndarray
    proven: bool


def local_search(problem: SplitProblem, rng: np.random.Generator) -> Found:
    """The split with the least shortfall of the guarantees and, among those, the lowest score.

    Up to 9 units it is the best there is; up to 100 it is never worse than the best of
    `random_search`'s draws that meets all guarantees. Where greedy starts leave a guarantee unmet,
    an integer programme decides whether it can be met at all.
    """
    units = len(problem.counts)
    if units <= _EXHAUSTIVE_UNITS:
        return Found(split=best_of_all(problem), proven=True)
    draws = 10_000 if units <= _ALL_DRAWS_UNITS else 1_000
    drawn = random_search(problem, rng, draws=draws, keep_need=True)
    ends = [descend(problem, greedy_start(problem, rng)) for _ in range(_STARTS)]
    if drawn is not None:
        ends.append(drawn)
    best, proven = min(ends, key=lambda split: _rank(problem, split)), True
    if problem.shortfall(problem.have(best)) > 0:
        solved = solve_guarantees(problem)
        proven = solved.proven
        if solved.split is not None:
            best = min(best, descend(problem, solved.split), key=lambda s: _rank(problem, s))
    for _ in range(min(_SHAKES, max(_SHAKE_WORK // units, 5))):
        again = descend(problem, shake(problem, best, rng))
        best = min(best, again, key=lambda split: _rank(problem, split))
    return Found(split=best, proven=proven)


def shake(problem: SplitProblem, split: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The split with a few units moved at random, as far as the guarantees let them."""
    climb = _Climb(problem, split.copy())
    for unit, target in rng.integers([len(split), 3], size=(_SHAKEN, 2)).tolist():
        if problem.allowed[unit, target] and climb.admissible({unit: target}):
            climb.place(unit, target)
    return climb.split


def _rank(problem: SplitProblem, split: np.ndarray) -> tuple[float, float]:
    return round(problem.shortfall(problem.have(split)), 9), problem.score(split)


def greedy_start(problem: SplitProblem, rng: np.random.Generator) -> np.ndarray:
    """A good split in one pass: rarest classes get their guarantees, then big units first."""
    climb = _Climb(problem, np.full(len(problem.counts), -1, dtype=np.int8))
    only = np.flatnonzero(problem.allowed.sum(axis=1) == 1)
    for unit in only.tolist():
        climb.place(unit, int(problem.allowed[unit].argmax()))
    for column in np.argsort((problem.counts > 0).sum(axis=0), kind="stable"):
        for s in (0, 2, 1):
            climb.fill(column, s, rng)
    size = climb.norms * rng.lognormal(0.0, 0.5, len(climb.norms))
    for unit in np.argsort(-size).tolist():
        if climb.split[unit] < 0:
            cost = np.where(problem.allowed[unit], climb.residual @ problem.features[unit], np.inf)
            climb.place(unit, int(cost.argmin()))
    return climb.split


def descend(problem: SplitProblem, split: np.ndarray) -> np.ndarray:
    """Improve a split by moves and swaps until none helps; its shortfall never grows."""
    climb = _Climb(problem, split.copy())
    while climb.move() or climb.swap():
        pass
    return climb.split


class _Climb:
    """A split under change, with the products that price every change."""

    def __init__(self, problem: SplitProblem, split: np.ndarray) -> None:
        self.problem, self.split = problem, split
        self.residual = problem.residual(split)  # [3, 2L]
        self.have = problem.have(split)  # [3, 2L]
        self.norms = (problem.features**2).sum(axis=1)  # [U]
        self.products = problem.sparse @ self.residual.T  # [U, 3]
        self.rows = np.arange(len(split))
        # Moves found to break a guarantee, until a class that they share is moved.
        self.blocked = np.zeros((len(split), 3), dtype=bool)

    def place(self, unit: int, target: int) -> None:
        """Put `unit`, which is in another split or in none, into split `target`."""
        feature, counts = self.problem.features[unit], self.problem.counts[unit]
        product = self.problem.sparse @ feature
        for s, sign in ((self.split[unit], -1.0), (target, 1.0)):
            if s >= 0:
                self.residual[s] += sign * feature
                self.have[s] += sign * counts
                self.products[:, s] += sign * product
        self.split[unit] = target
        self.blocked[product > 0] = False

    def fill(self, column: int, target: int, rng: np.random.Generator) -> None:
        """Place free units in `target` until it has what it needs of one column."""
        while self.have[target, column] < self.problem.need[target, column]:
            free = (self.split < 0) & (self.problem.counts[:, column] > 0)
            units = np.flatnonzero(free & self.problem.allowed[:, target])
            if not len(units):
                return
            cost = 2 * self.products[units, target] + self.norms[units]
            cost += rng.exponential(0.1, len(units)) * np.abs(cost).mean()
            self.place(int(units[cost.argmin()]), target)

    def move(self) -> bool:
        """Make the best move that helps and breaks no guarantee; False when there is none."""
        change = np.where(self.blocked, np.inf, self._changes())
        while change.min() < -_MIN_GAIN:
            unit, target = divmod(int(change.argmin()), 3)
            if self.admissible({unit: target}):
                self.place(unit, target)
                return True
            self.blocked[unit, target] = True
            change[unit, target] = np.inf
        return False

    def swap(self) -> bool:
        """Make the best exchange of two units that helps and breaks no guarantee."""
        change = self._changes()
        offers = []
        for a, b in combinations(range(3), 2):
            first = self._cheapest(change, source=a, target=b)
            second = self._cheapest(change, source=b, target=a)
            sparse = self.problem.sparse  # and so no threads, which cost more than this product
            both = change[first, b][:, None] + change[second, a][None, :]
            both -= 4.0 * (sparse[first] @ sparse[second].T).toarray()
            if not both.size:
                continue
            tries = np.argpartition(both, min(_TRIES, both.size) - 1, axis=None)[:_TRIES]
            for flat in tries:
                i, j = divmod(int(flat), len(second))
                offers.append((both[i, j], {int(first[i]): b, int(second[j]): a}))
        for gain, moves in sorted(offers, key=lambda offer: offer[0]):
            if gain > -_MIN_GAIN:
                return False
            if self.admissible(moves):
                for unit, target in moves.items():
                    self.place(unit, target)
                return True
        return False

    def _changes(self) -> np.ndarray:
        """How much the score changes when a unit moves to a split: [U, 3], inf if it may not."""
        now = self.products[self.rows, self.split]
        change = 2.0 * (self.products - now[:, None] + self.norms[:, None])
        change[~self.problem.allowed] = np.inf
        change[self.rows, self.split] = np.inf
        return change

    def _cheapest(self, change: np.ndarray, *, source: int, target: int) -> np.ndarray:
        units = np.flatnonzero((self.split == source) & np.isfinite(change[:, target]))
        order = np.argsort(change[units, target], kind="stable")
        return units[order[:_SWAP_CANDIDATES]]

    def admissible(self, moves: dict[int, int]) -> bool:
        """Whether the guarantees are met at least as well after `moves` as before."""
        columns = np.flatnonzero(self.problem.counts[list(moves)].any(axis=0))
        need, weight = self.problem.need[:, columns], self.problem.weight[:, columns]
        before = self.have[:, columns]
        after = before.copy()
        for unit, target in moves.items():
            after[self.split[unit]] -= self.problem.counts[unit, columns]
            after[target] += self.problem.counts[unit, columns]
        worse = np.maximum(need - after, 0.0) - np.maximum(need - before, 0.0)
        return float((worse * weight).sum()) <= 1e-9
