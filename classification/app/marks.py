"""What is known of every item now: the store's decisions as arrays, kept up to date one by one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from classification.labelling.decisions import Decision, current_decisions

UNKNOWN = -1


class Marks:
    """Labels of N items for C classes.

    Attributes:
        values: int8 [N, C]; 1 present, 0 absent, -1 not known. A single label says of every other
            class that it is absent.
        excluded, unsure: bool [N].
        said: by item, what each annotator says now, oldest first.
    """

    def __init__(
        self,
        names: Sequence[str],
        classes: Sequence[str],
        known: NDArray[np.int8],
        excluded: NDArray[np.bool_] | None = None,
    ) -> None:
        """`known` int8 [N, C] and `excluded` bool [N]: from before any decision, as of a table."""
        self._names = names
        self.number = {name: i for i, name in enumerate(names)}
        self.column = {name: i for i, name in enumerate(classes)}
        self._known = known
        self.values = known.copy()
        self._out = np.zeros(len(names), dtype=bool) if excluded is None else excluded
        self.excluded = self._out.copy()
        self.unsure = np.zeros(len(names), dtype=bool)
        self.said: dict[str, dict[str, Decision]] = defaultdict(dict)

    @property
    def labels(self) -> NDArray[np.int64]:
        """int64 [N]: the class of items with exactly one present, -1 for all others."""
        if not self.values.shape[1]:
            return np.full(len(self.values), UNKNOWN, dtype=np.int64)
        present = self.values == 1
        return np.where(present.sum(axis=1) == 1, present.argmax(axis=1), UNKNOWN).astype(np.int64)

    @property
    def decided(self) -> NDArray[np.bool_]:
        """bool [N]: something is known, or somebody could not tell or left the item out."""
        return (self.values != UNKNOWN).any(axis=1) | self.excluded | self.unsure

    def add_class(self, name: str) -> None:
        """One more class, of which nothing is known but that single labels exclude it."""
        self.column[name] = len(self.column)
        full = (self.values != UNKNOWN).all(axis=1) & bool(self.values.shape[1])
        single = full & (self.labels != UNKNOWN)
        column = np.where(single, 0, UNKNOWN).astype(np.int8)[:, None]
        self.values = np.concatenate([self.values, column], axis=1)
        blank = np.full((len(self._known), 1), UNKNOWN, dtype=np.int8)
        blank[(self._known == 1).sum(axis=1) == 1] = 0
        self._known = np.concatenate([self._known, blank], axis=1)

    def apply(self, decisions: Iterable[Decision]) -> list[int]:
        """Take decisions in, oldest first; the numbers of the items they are about.

        Decisions on items the app does not show are left alone. So are classes it does not know:
        `state.AppState` adds them first.
        """
        touched: dict[int, None] = {}
        for decision in decisions:
            number = self.number.get(decision.item)
            if number is None:
                continue
            said = self.said[decision.item]
            said.pop(decision.annotator, None)
            if decision.verdict != "undo":
                said[decision.annotator] = decision
            touched[number] = None
        for number in touched:
            self._set(number)
        return list(touched)

    def current(self, name: str) -> Decision | None:
        """The decision that counts for an item."""
        return current_decisions(self.said[name].values()).get(name) if name in self.said else None

    def _set(self, number: int) -> None:
        name = self._names[number]
        decision = self.current(name)
        verdict = decision.verdict if decision else ""
        self.excluded[number], self.unsure[number] = verdict == "exclude", verdict == "unsure"
        row = self.values[number]
        if decision is None or verdict == "skip":
            row[:], self.excluded[number] = self._known[number], self._out[number]
            return
        row[:] = 0 if verdict == "label" else UNKNOWN
        present = (decision.label,) if verdict == "label" else decision.present
        for names, value in ((decision.absent, 0), (present, 1)):
            for known in names:
                if known in self.column:
                    row[self.column[known]] = value
