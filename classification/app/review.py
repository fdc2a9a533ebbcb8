"""Pseudo-labels that people look at, and those they accept.

Pseudo-labels become decisions only here, and only because a person said so.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification.app.propagate import SOURCE, Guesses, crossed
from classification.app.state import AppState
from classification.errors import FieldmarkError
from classification.labelling.decisions import Decision

ALL, DISPUTED = "all that are unlabelled", "where the model says otherwise"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How propagation compares.

    Attributes:
        right, model_right: share of the validation labels; None without labels or a model.
        unlabelled: images that wait for a label.
        agreed: share of them on which propagation and model agree; None without either.
        crossed: int64 [C, C], how often propagation says one class (row) and the model another
            (column) of them; None without a model or with several classes per item.
    """

    right: float | None
    model_right: float | None
    unlabelled: int
    agreed: float | None
    crossed: NDArray[np.int64] | None


def standing(state: AppState, guesses: Guesses) -> Standing:
    """Compare propagation with the model and with the labels of now."""
    rows, known = open_rows(state), _judged(state)
    with state.lock:
        marks, probs = state.marks.values.copy(), model_probs(state, guesses)
    model = None
    if probs is not None:
        model = Guesses(probs=probs, certainty=np.ones(guesses.certainty.shape, np.float32))
    agreed = None
    if probs is not None and rows.any():
        agreed = float(guesses.agrees(probs)[rows].mean())
    return Standing(
        right=guesses.right(marks, known),
        model_right=None if model is None else model.right(marks, known),
        unlabelled=int(rows.sum()),
        agreed=agreed,
        crossed=None if probs is None or guesses.several else crossed(guesses, probs, rows),
    )


def to_review(state: AppState, guesses: Guesses, kind: str) -> NDArray[np.intp]:
    """Unlabelled items, the least sure first.

    Args:
        state: whose items they are.
        guesses: of the propagation.
        kind: `ALL`, `DISPUTED` or a class, whose pseudo-labels are wanted.
    """
    rows, probs = open_rows(state), model_probs(state, guesses)
    if kind in state.classes:
        rows &= guesses.takes_for(state.classes.index(kind))
    elif kind == DISPUTED and probs is not None:
        rows &= ~guesses.agrees(probs)
    return guesses.least_sure(rows)


def to_accept(
    state: AppState, guesses: Guesses, *, least: float, agreed: bool
) -> tuple[NDArray[np.intp], int, float | None]:
    """Items whose pseudo-labels are sure enough, and what such pseudo-labels are worth.

    Args:
        state: whose items they are.
        guesses: of the propagation.
        least: certainty that is asked for.
        agreed: only where the model says the same.

    Returns:
        Positions, the surest first; how many labelled validation items are as sure, and the share
        of them of which the pseudo-label is right, None without any.
    """
    probs = model_probs(state, guesses)
    fit = np.ones(len(state), dtype=bool)
    if agreed and probs is not None:
        fit = guesses.agrees(probs)
    with state.lock:
        marks = state.marks.values.copy()
    judged = np.zeros(len(state), dtype=bool)
    judged[guesses.acceptable(fit & _judged(state) & (marks == 1).any(axis=1), least)] = True
    rows = guesses.acceptable(fit & open_rows(state), least)
    return rows, int(judged.sum()), guesses.right(marks, judged, least=least)


def open_rows(state: AppState) -> NDArray[np.bool_]:
    """bool [N]: items that wait for a label and are not kept for validation or test."""
    with state.lock:
        return state.unlabelled & ~state.validation


def model_probs(state: AppState, guesses: Guesses) -> NDArray[np.float32] | None:
    """The model's scores of the classes that propagation knows; None without a model."""
    return None if state.probs is None else state.probs[:, : guesses.probs.shape[1]]


def _judged(state: AppState) -> NDArray[np.bool_]:
    """Validation items, by which propagation is judged: it learned nothing from their labels."""
    with state.lock:
        return state.validation & (state.items.split != "test")


def accept(
    state: AppState,
    guesses: Guesses,
    rows: NDArray[np.intp],
    *,
    least: float,
    annotator: str,
) -> list[str]:
    """Take pseudo-labels over as decisions of `annotator`, with the source "propagation".

    Args:
        state: whose items they are.
        guesses: of the propagation.
        rows: positions of the items.
        least: with several classes per item, only classes of this certainty are decided.
        annotator: who accepts them.

    Returns:
        Names of the items decided: those that nobody decided on meanwhile, nor has on the screen.

    Raises:
        FieldmarkError: no annotator, or the store cannot be written; nothing was accepted.
    """
    annotator = annotator.strip()
    if not annotator:
        raise FieldmarkError("say who accepts these labels: give a name")
    names = state.items.names
    number = {names[i]: int(i) for i in rows}
    free = state.desk.take(list(number), annotator=annotator, count=len(number))
    try:
        state.decide(
            [
                guesses.decision(
                    number[item],
                    item=item,
                    classes=state.classes,
                    least=least,
                    annotator=annotator,
                    number=state.round,
                )
                for item in free
            ]
        )
    finally:
        state.desk.give_back(free, annotator=annotator)
    return free


def withdraw(state: AppState, items: list[str], *, annotator: str) -> int:
    """Take accepted pseudo-labels back; how many, without those decided otherwise since."""
    annotator = annotator.strip()
    with state.lock:
        said = [state.marks.said.get(item, {}).get(annotator) for item in items]
    undone = [d.item for d in said if d is not None and d.source == SOURCE]
    state.decide(
        [
            Decision(
                item=item,
                verdict="undo",
                label=None,
                annotator=annotator,
                source="app",
                round=state.round,
            )
            for item in undone
        ]
    )
    return len(undone)
