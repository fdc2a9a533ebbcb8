"""GALAXY and DIRECT: a search for the border of every class, which finds items of rare ones.

Both put all items on one line per class, the surest of it first (by its probability less the
largest one, then by the largest), and look where labels change from the class to others. On a
long-tailed pool that border lies among few items, and queries around it are balanced. Classes are
those with a label. One line is held at a time: memory is a few numbers per item.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.needs import need_probs
from classification.query.pool import Pool
from classification.query.ranking import shares
from classification.query.uncertainty import random


def galaxy(pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Bisects the shortest stretch between differing labels on the line of a random class.

    Zhang, Katz-Samuels and Nowak 2022, "GALAXY". Where no stretch is left, the unlabelled item
    nearest to such a pair of neighbours is taken. The paper asks for one label at a time; here
    answers come after the batch, so the class predicted stands in for the answer of an item picked
    before, and the turns of one class are taken together. With labels of fewer than two classes
    there is no border, and items are drawn at random.

    Cost: one sort of the pool per class, and n passes over the labels.
    """
    probs, classes = need_probs(pool), np.unique(pool.labels[pool.taught])
    if len(classes) < 2:
        return random(pool, n, rng)
    turns, picks = rng.integers(len(classes), size=n), np.empty(n, dtype=np.intp)
    known, free, lines = pool.labels.copy(), ~pool.labelled, _Lines(pool, probs, rng)
    for turn in dict.fromkeys(turns.tolist()):  # in the order they come up
        c = int(classes[turn])
        border = _Border.of(lines.of(c), known, free, c)
        for slot in np.flatnonzero(turns == turn):
            position = border.next()
            item = border.line[position]
            guess = int(probs[item].argmax())
            border.add(position, guess == c)
            picks[slot], known[item], free[item] = item, guess, False
    return picks


def direct(
    pool: Pool, n: int, rng: np.random.Generator, *, explore: float = 0.5
) -> NDArray[np.intp]:
    """Half of the batch within the doubtful stretch of each class, half around its best threshold.

    Nuggehalli et al. 2023, "DIRECT", which is robust to wrong labels, with as many parallel
    annotators as the batch is large: no answer within it. First, evenly for every class, rarest
    first, a draw between the last item before which all labels are of the class and the first
    after which none is; then, for the classes in random order, the items nearest to the threshold
    that most labels agree with. Without a label items are drawn at random.

    Cost: two sorts of the pool per class.

    Args:
        pool, n, rng: as of every strategy.
        explore: share of the batch drawn from the doubtful stretches, 0 to 1.
    """
    if not 0 <= explore <= 1:
        raise FieldmarkError(f"explore is {explore}; it is a share of the batch, 0 to 1")
    probs = need_probs(pool)
    classes, count = np.unique(pool.labels[pool.taught], return_counts=True)
    if not len(classes):
        return random(pool, n, rng)
    free, picks, lines = ~pool.labelled, np.zeros(0, dtype=np.intp), _Lines(pool, probs, rng)
    rare = classes[np.argsort(count, kind="stable")]
    for c, part in zip(rare, shares(int(explore * n), [1] * len(rare)), strict=True):
        line = lines.of(c)
        region = line[_doubtful(_votes(pool, line, c))]
        picks = np.concatenate([picks, rng.permutation(region[free[region]])[:part]])
        free[picks] = False
    for c, part in zip(rng.permutation(rare), shares(n - len(picks), [1] * len(rare)), strict=True):
        line = lines.of(c)
        open_ = np.flatnonzero(free[line])
        away = open_ - _threshold(_votes(pool, line, c))
        # One step left and one right count the same: positions -1 and 0, -2 and 1, ...
        order = np.lexsort((away >= 0, np.maximum(away, -1 - away)))
        picks = np.concatenate([picks, line[open_[order[:part]]]])
        free[picks] = False
    return picks


class _Lines:
    """The items that have a class or may be asked for one, in a line per class."""

    def __init__(self, pool: Pool, probs: NDArray[np.float32], rng: np.random.Generator) -> None:
        rows = rng.permutation(np.flatnonzero(~pool.labelled | (pool.labels >= 0)))  # settles ties
        self._largest = probs.max(axis=1)
        self._rows = rows[np.argsort(-self._largest[rows], kind="stable")]
        self._largest = self._largest[self._rows]
        self._probs = probs

    def of(self, c: int) -> NDArray[np.intp]:
        """Items from the surest of class `c` to the least."""
        behind = self._largest - self._probs[self._rows, c]
        return self._rows[np.argsort(behind, kind="stable")]


def _votes(pool: Pool, line: NDArray[np.intp], c: int) -> NDArray[np.int64]:
    """1 for an item with this class, -1 for one with another, 0 without a label."""
    is_class = np.where(pool.labels[line] == c, 1, -1)
    return np.where(pool.labelled[line], is_class, 0)


def _doubtful(votes: NDArray[np.int64]) -> slice:
    """From the last 1 before all -1 to the first -1 after all 1; else from and to the ends."""
    ones, others = np.flatnonzero(votes == 1), np.flatnonzero(votes == -1)
    before = ones[ones < others.min(initial=len(votes))]
    after = others[others > ones.max(initial=-1)]
    return slice(before.max(initial=0), after.min(initial=len(votes) - 1) + 1)


def _threshold(votes: NDArray[np.int64]) -> int:
    """How many items from the start to call of the class for most labels to agree; the fewest."""
    return int(np.concatenate([[0], np.cumsum(votes)]).argmax())


@dataclass
class _Border:
    """The labels along one line.

    Attributes:
        line: intp [M], items.
        at: intp [K], positions with a label or a guess, ascending; of_class: bool [K].
    """

    line: NDArray[np.intp]
    at: NDArray[np.intp]
    of_class: NDArray[np.bool_]

    @classmethod
    def of(
        cls, line: NDArray[np.intp], known: NDArray[np.int64], free: NDArray[np.bool_], c: int
    ) -> "_Border":
        at = np.flatnonzero(~free[line])
        return cls(line=line, at=at, of_class=known[line[at]] == c)

    def add(self, position: int, of_class: bool) -> None:
        i = int(np.searchsorted(self.at, position))
        self.at = np.insert(self.at, i, position)
        self.of_class = np.insert(self.of_class, i, of_class)

    def next(self) -> int:
        """The middle of the shortest stretch between differing labels, or what is nearest to one.

        Of equally near ones the surest of the class.
        """
        gap = np.diff(self.at) - 1
        differ = self.of_class[1:] != self.of_class[:-1]
        if (stretches := np.flatnonzero(differ & (gap > 0))).size:
            i = stretches[gap[stretches].argmin()]
            return int(self.at[i] + self.at[i + 1]) // 2
        cuts = np.flatnonzero(differ)
        block = self.at - np.arange(len(self.at))  # equal for labels with none missing between
        left = self.at[np.searchsorted(block, block[cuts])] - 1
        right = self.at[np.searchsorted(block, block[cuts + 1], side="right") - 1] + 1
        away = np.concatenate([self.at[cuts] - left, right - self.at[cuts + 1]])
        found = np.concatenate([left, right])
        inside = (found >= 0) & (found < len(self.line))
        return int(found[inside][np.lexsort((found[inside], away[inside]))[0]])
