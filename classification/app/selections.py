"""Which images to show: a dict literal of rules over the shared state."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification.app.marks import UNKNOWN
from classification.app.state import AppState
from classification.labelling.agreement import agreement

Numbers = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What an annotator wants to see.

    Attributes:
        which: a key of `SELECTIONS`.
        order: a key of `ORDERS`.
        target: the class that either is about; -1 where it is about none.
        anchor: the item to start from, for "nearest"; -1 where there is none.
        split: only items of this split; "" for all.
    """

    which: str = "unlabelled"
    order: str = "random"
    target: int = -1
    anchor: int = -1
    split: str = ""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Some of the items.

    Attributes:
        title: for people.
        find: numbers of the items, in the order they stand in.
        waiting: only items that wait for this annotator; others are looked at again.
        of_class: it is about one class.
    """

    title: str
    find: Callable[[AppState, Wish], Numbers]
    waiting: bool = False
    of_class: bool = False


def _where(mask: Callable[[AppState, Wish], NDArray[np.bool_]]):
    return lambda state, wish: np.flatnonzero(mask(state, wish))


def _unlabelled(state: AppState, _: Wish) -> Numbers:
    """Not decided; of an overlap also what others decided, which leases sort out per annotator."""
    waits = state.unlabelled
    if state.overlap.share:
        waits |= np.array([state.overlap.annotators_for(name) > 1 for name in state.items.names])
    return np.flatnonzero(waits)


def _partly(state: AppState, _: Wish) -> NDArray[np.bool_]:
    known = (state.marks.values != UNKNOWN).sum(axis=1)
    return (known > 0) & (known < len(state.classes))


def _disagreements(state: AppState, _: Wish) -> Numbers:
    said = {
        (item, who): decision
        for item, by in state.marks.said.items()
        if len(by) > 1
        for who, decision in by.items()
    }
    return np.array([state.marks.number[i] for i in agreement(said).disagreements], dtype=np.intp)


SELECTIONS: dict[str, Selection] = {
    "query": Selection(
        title="this round's queries", find=lambda state, _: state.query, waiting=True
    ),
    "unlabelled": Selection(title="unlabelled", find=_unlabelled, waiting=True),
    "partly": Selection(title="partly labelled", find=_where(_partly)),
    "class": Selection(
        title="containing the class",
        find=_where(lambda state, wish: state.marks.values[:, wish.target] == 1),
        of_class=True,
    ),
    "labelled": Selection(
        title="labelled",
        find=_where(lambda state, _: (state.marks.values != UNKNOWN).any(axis=1)),
    ),
    "disagreements": Selection(title="annotators disagree", find=_disagreements),
    "unsure": Selection(title="unsure", find=_where(lambda state, _: state.marks.unsure)),
    "excluded": Selection(title="excluded", find=_where(lambda state, _: state.marks.excluded)),
    "validation": Selection(title="validation", find=_where(lambda state, _: state.validation)),
    "proposal": Selection(title="sent here to review", find=lambda state, _: state.proposal[1]),
}
