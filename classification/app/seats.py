"""One annotator at one browser: what is on the screen, what was decided, and how to take it back.

Items that wait for a label are leased from the store, so that annotators at other servers do not
get them either; between the browsers of one server, which may belong to one annotator, each item is
reserved for the seat that shows it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from classification.app.orders import arrange
from classification.app.reservations import Seats
from classification.app.selections import SELECTIONS, Wish
from classification.app.state import AppState
from classification.errors import FieldmarkError
from classification.labelling.decisions import Decision
from classification.labelling.status import labels_per_hour

_WINDOW = 200  # items offered to the store at a time: one transaction of a few milliseconds
_REMEMBERED = 500  # own decisions behind the rate, and steps that can be undone


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an annotator says of one or more items at once.

    Attributes:
        verdict: label, marks, unsure, skip or exclude; see `labelling.decisions`.
        shown_at: ISO 8601 UTC, when the items came on the screen.
    """

    verdict: str
    label: str | None = None
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    shown_at: str | None = None


class Seat:
    """One browser tab.

    Attributes:
        wish: what is being looked at.
        queue: numbers of the items to show, next first; all are held by this seat.
        left: how many more there are behind the queue, before others' work is left out.
    """

    def __init__(self, state: AppState, seats: Seats, *, name: str, annotator: str) -> None:
        if not annotator.strip():
            raise FieldmarkError("say who labels: the name is kept with every decision")
        self.state, self.seats, self.name, self.annotator = state, seats, name, annotator.strip()
        self.wish, self.queue = Wish(), []
        self._order: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._next = 0
        self._steps: deque[list[Decision | None]] = deque(maxlen=_REMEMBERED)
        self._items: deque[list[int]] = deque(maxlen=_REMEMBERED)
        self._made: deque[Decision] = deque(maxlen=_REMEMBERED)
        self._remember()

    @property
    def waiting(self) -> bool:
        """Whether the items looked at are ones that nobody has decided on."""
        return SELECTIONS[self.wish.which].waiting

    @property
    def left(self) -> int:
        """Items of the order that were not on the screen yet."""
        return len(self._order) - self._next + len(self.queue)

    @property
    def per_hour(self) -> float | None:
        """Own labels per hour of work."""
        return labels_per_hour(self._made)

    def choose(self, wish: Wish, rng: np.random.Generator) -> None:
        """Look at other items, or in another order.

        Raises:
            FieldmarkError: see `orders.arrange`; what was there stays.
        """
        order = arrange(self.state, wish, rng)
        with self.seats.lock:
            self.leave()
            self.wish, self._order, self._next = wish, order, 0

    def fill(self, count: int) -> list[int]:
        """Hold at least `count` items where there are as many; the whole queue."""
        with self.seats.lock:
            while len(self.queue) < count and self._next < len(self._order):
                window = self._order[self._next : self._next + _WINDOW].tolist()
                found, used = self._take(window, count - len(self.queue))
                self.queue += [n for n in found if n not in self.queue]
                self._next += used
            return list(self.queue)

    def decide(self, numbers: Sequence[int], answer: Answer) -> None:
        """Store one answer for some items; they leave the queue.

        Raises:
            FieldmarkError: the items are none of this dataset, the answer is malformed, a class is
                unknown, or the store cannot be written; nothing was stored.
        """
        numbers = list(dict.fromkeys(numbers))
        self._require(numbers, answer)
        with self.seats.lock:
            before = [self._said(number) for number in numbers]
            self._store([self._decision(number, answer) for number in numbers])
            self._steps.append(before)
            self._items.append(numbers)
            self._done_with(numbers)

    def undo(self) -> list[int]:
        """Take the last step back, which is a decision, too; the items are next again.

        What this annotator had said before is said again. Returns the items; none when there is
        nothing to undo.
        """
        with self.seats.lock:
            if not self._items:
                return []
            numbers, before = self._items[-1], self._steps[-1]
            self._store(
                [
                    replace(earlier, decided_at="", shown_at=None)
                    if earlier
                    else self._decision(number, Answer(verdict="undo"))
                    for number, earlier in zip(numbers, before, strict=True)
                ]
            )
            self._items.pop()
            self._steps.pop()
            return self.put_first(numbers)

    def put_first(self, numbers: Sequence[int]) -> list[int]:
        """Show these next, decided or not; those that are on no other screen."""
        with self.seats.lock:
            mine = self.seats.reserve(numbers, self.name)
            self._lease(mine)
            self.queue = mine + [n for n in self.queue if n not in mine]
            return mine

    def burst(self, number: int) -> list[int]:
        """Show the whole burst of an item next: in order, and only what is as open as the item."""
        bursts = self.state.items.bursts
        if bursts is None:
            return self.put_first([number])
        found = np.flatnonzero(bursts == bursts[number])
        if self.waiting:
            found = found[self.state.unlabelled[found] | (found == number)]
        return self.put_first(found.tolist())

    def previous(self) -> list[int]:
        """The items of the last step, to be looked at once more without taking it back."""
        return self.put_first(self._items[-1]) if self._items else []

    def require(self, numbers: Sequence[int]) -> None:
        """Refuse numbers that are no item's.

        Raises:
            FieldmarkError: there are none, or some are out of range.
        """
        if not numbers or not all(0 <= n < len(self.state) for n in numbers):
            raise FieldmarkError(f"items {list(numbers)[:5]}: there are 0 to {len(self.state) - 1}")

    def leave(self) -> None:
        """Let others have what this seat holds."""
        with self.seats.lock:
            held = self.seats.free_all(self.name)
            self.queue = []
            if held:
                names = [self.state.items.names[n] for n in held]
                self.state.desk.give_back(names, annotator=self.annotator)

    def renew(self) -> None:
        """Keep the leases of what is on the screen."""
        with self.seats.lock:
            self._lease(self.queue)

    def _take(self, window: list[int], count: int) -> tuple[list[int], int]:
        """Up to `count` items of a window of the order, and how far into it they reach."""
        free = [n for n in window if self.seats.taken.get(n, self.name) == self.name]
        if self.waiting:
            names = [self.state.items.names[n] for n in free]
            taken = self.state.desk.take(names, annotator=self.annotator, count=count)
            numbers = [self.state.marks.number[name] for name in taken]
        else:
            numbers = free[:count]
        mine = self.seats.reserve(numbers, self.name)
        full = len(numbers) >= count and bool(numbers)
        return mine, window.index(numbers[-1]) + 1 if full else len(window)

    def _lease(self, numbers: Sequence[int]) -> None:
        if self.waiting and numbers:
            names = [self.state.items.names[n] for n in numbers]
            self.state.desk.take(names, annotator=self.annotator, count=len(names))

    def _store(self, decisions: list[Decision]) -> None:
        self.state.decide(decisions)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._made.extend(replace(d, decided_at=now) for d in decisions if d.verdict != "undo")

    def _done_with(self, numbers: Sequence[int]) -> None:
        gone = set(numbers)
        self.queue = [n for n in self.queue if n not in gone]
        self.seats.free(numbers, self.name)

    def _decision(self, number: int, answer: Answer) -> Decision:
        return Decision(
            item=self.state.items.names[number],
            verdict=answer.verdict,
            label=answer.label,
            present=answer.present,
            absent=answer.absent,
            annotator=self.annotator,
            source="app",
            round=self.state.round,
            shown_at=answer.shown_at,
        )

    def _said(self, number: int) -> Decision | None:
        """What this annotator says of an item now."""
        said = self.state.marks.said.get(self.state.items.names[number], {})
        return said.get(self.annotator)

    def _require(self, numbers: Sequence[int], answer: Answer) -> None:
        self.require(numbers)
        problems = []
        if answer.verdict == "undo":
            problems.append("undo takes back a step; it is no answer")
        named = [*([answer.label] if answer.label else []), *answer.present, *answer.absent]
        problems += [f"{n!r} is no class" for n in named if n not in self.state.classes]
        if problems:
            raise FieldmarkError.from_problems("nothing was stored:", problems)

    def _remember(self) -> None:
        """The annotator's own decisions from before, so that a reload does not end undoing."""
        said = (by.get(self.annotator) for by in self.state.marks.said.values())
        own = sorted((d for d in said if d and d.source == "app"), key=lambda d: d.decided_at)
        for decision in own[-_REMEMBERED:]:
            self._made.append(decision)
            if (number := self.state.marks.number.get(decision.item)) is not None:
                self._items.append([number])
                self._steps.append([None])
