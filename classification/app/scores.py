"""What a model says of each class: histograms of its scores, AUC and accuracy, by part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.app.marks import UNKNOWN
from classification.evaluation.binary import auc

if TYPE_CHECKING:
    from classification.app.state import AppState

BINS = 20
"""Of the histograms, from 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class PartScores:
    """Scores of one class over the items of one part of which it is known.

    Attributes:
        positive, negative: int64 [BINS], items that show the class and that do not, by score.
        auc: None without positives or without negatives.
        accuracy: share that the model puts on the right side; None without items.
    """

    positive: NDArray[np.int64]
    negative: NDArray[np.int64]
    auc: float | None
    accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class ClassScores:
    """Scores of one class.

    Attributes:
        name: of the class.
        train: items that the model may have learned from.
        validation: items kept from it.
        unlabelled: int64 [BINS], items of which the class is not known.
    """

    name: str
    train: PartScores
    validation: PartScores
    unlabelled: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class ModelScores:
    """All classes, and what is right over all of them; None where nothing is known."""

    classes: tuple[ClassScores, ...]
    train_accuracy: float | None
    validation_accuracy: float | None


def score_model(
    probs: NDArray[np.float32],
    marks: NDArray[np.int8],
    *,
    classes: Sequence[str],
    validation: NDArray[np.bool_],
    shown: NDArray[np.bool_],
    one_class: bool,
) -> ModelScores:
    """Compare scores with what is known.

    Args:
        probs: float32 [N, C], 0 to 1.
        marks: int8 [N, C]: 1 present, 0 absent, -1 not known.
        classes: the C names.
        validation: bool [N], items kept from training.
        shown: bool [N], the items that count; others, such as excluded ones, are left out.
        one_class: the model chooses one class per item: it says a class is there where that class
            scores highest. Otherwise it says so from a score of 0.5.
    """
    said = _highest(probs) if one_class else probs >= 0.5
    parts = {"train": shown & ~validation, "validation": shown & validation}
    known = marks != UNKNOWN
    scored = []
    for c, name in enumerate(classes):
        found = {
            part: _part(probs[:, c], marks[:, c] == 1, said[:, c], rows & known[:, c])
            for part, rows in parts.items()
        }
        unlabelled = _histogram(probs[shown & ~known[:, c], c])
        scored.append(ClassScores(name=name, **found, unlabelled=unlabelled))
    right = {part: _right(said, marks, rows, one_class) for part, rows in parts.items()}
    return ModelScores(
        classes=tuple(scored),
        train_accuracy=right["train"],
        validation_accuracy=right["validation"],
    )


def score_state(state: "AppState", probs: NDArray[np.float32], *, one_class: bool) -> ModelScores:
    """Compare scores with the labels that an app holds now; the test split is left out."""
    with state.lock:
        marks, validation = state.marks.values.copy(), state.validation.copy()
        shown = ~state.marks.excluded & (state.items.split != "test")
    columns = probs.shape[1]
    return score_model(
        probs,
        marks[:, :columns],
        classes=state.classes[:columns],
        validation=validation,
        shown=shown,
        one_class=one_class,
    )


def _part(
    scores: NDArray[np.float32],
    present: NDArray[np.bool_],
    said: NDArray[np.bool_],
    rows: NDArray[np.bool_],
) -> PartScores:
    scores, present, said = scores[rows], present[rows], said[rows]
    return PartScores(
        positive=_histogram(scores[present]),
        negative=_histogram(scores[~present]),
        auc=auc(scores, present),
        accuracy=float((said == present).mean()) if len(scores) else None,
    )


def _right(
    said: NDArray[np.bool_], marks: NDArray[np.int8], rows: NDArray[np.bool_], one_class: bool
) -> float | None:
    """Share of items with the right class, or of marks that are right."""
    if one_class:
        rows = rows & (marks == 1).any(axis=1)
        return float((said & (marks == 1))[rows].any(axis=1).mean()) if rows.any() else None
    known = rows[:, None] & (marks != UNKNOWN)
    return float((said == (marks == 1))[known].mean()) if known.any() else None


def _highest(probs: NDArray[np.float32]) -> NDArray[np.bool_]:
    out = np.zeros(probs.shape, dtype=bool)
    if probs.size:
        np.put_along_axis(out, probs.argmax(axis=1)[:, None], True, axis=1)
    return out


def _histogram(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    found, _ = np.histogram(scores.clip(0, 1), bins=BINS, range=(0, 1))
    return found.astype(np.int64)
