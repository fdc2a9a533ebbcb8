"""How good a model is on cameras it has not seen, with intervals that admit how few cameras.

Frames of one camera share a background, a season and often the same animal, so they are not
independent trials: an interval over images is far too narrow. Every interval here resamples whole
locations (cluster bootstrap: Field & Welsh, 2007, J. R. Stat. Soc. B 69). With fewer than about
ten locations even that is too narrow; the report says how many there were.

macro-F1 is the mean F1 of the classes that occur in the truth. A class that is predicted but never
occurs has no F1 of its own; each such prediction already counts as a miss of the true class and so
lowers that class's F1. (scikit-learn's default also averages in a 0 for it, so that one stray
prediction moves the score by 1/C; ``f1_score(..., labels=classes_in_truth)`` is the same as here.)
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from classification.evaluation.bootstrap import (
    FloatArray,
    location_intervals,
    nested_tallies,
    scores_of,
    tally,
)
from classification.evaluation.calibration import log_loss, reliability


class ClassScores(TypedDict):
    """Scores of one class; None where the ratio has no denominator."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


class LocationScores(TypedDict):
    """Scores at one location; `macro_f1` is over the classes seen there."""

    n: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of one set of predictions; plain values only, so that it is its own JSON."""

    classes: list[str]
    n: int
    accuracy: float
    macro_f1: float
    balanced_accuracy: float
    """Mean recall of the classes in the truth."""
    per_class: dict[str, ClassScores]
    confusion: list[list[int]]
    """Counts [C, C] over all of `classes`, in order; rows are the truth."""
    per_location: dict[str, LocationScores]
    intervals: dict[str, list[float] | None]
    """`[low, high]` of accuracy, macro_f1 and balanced_accuracy; None where `interval_note`."""
    interval_note: str | None = None
    """Why there are no intervals."""
    level: float = 0.95
    ece: float | None = None
    """Expected calibration error in 15 bins; None without probabilities."""
    log_loss: float | None = None
    """Mean negative log-likelihood, nats; None without probabilities."""
    tallies: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    """Hits, support and predictions by location and class, where any is above 0: what later
    comparisons on the same items resample."""

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON values; what is undefined is null."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Evaluation":
        """The evaluation that `to_json` gave."""
        return cls(**record)


def evaluate(
    truth: NDArray[Any],
    outputs: NDArray[Any],
    *,
    classes: Sequence[str],
    groups: NDArray[Any],
    rng: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
) -> Evaluation:
    """Score predictions against the truth, overall, by class and by location.

    Args:
        truth: int [N], positions in `classes`.
        outputs: int [N], predicted positions, or float [N, C], probabilities. With probabilities
            the prediction is the largest and `ece` and `log_loss` are given as well.
        classes: the C class names; those absent from the truth keep their row.
        groups: str [N], the camera location of each item.
        rng: source of the bootstrap draws.
        resamples: bootstrap resamples.
        level: coverage of the intervals.

    Raises:
        ValueError: nothing to score, or arrays that do not fit together.
    """
    truth, outputs = np.asarray(truth), np.asarray(outputs)
    _check(truth, outputs, classes, groups)
    truth = truth.astype(np.int64)  # int8 codes would overflow in the products below
    probs = outputs.astype(np.float64) if outputs.ndim == 2 else None
    pred = outputs.astype(np.int64) if probs is None else probs.argmax(axis=1)
    names, location = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    n_classes = len(classes)

    tallies = tally(truth, pred, location, shape=(len(names), n_classes))
    total = tallies.sum(axis=0)
    scores = {name: float(value) for name, value in scores_of(total).items()}
    intervals, note = location_intervals(tallies, rng=rng, resamples=resamples, level=level)
    confusion = np.bincount(truth * n_classes + pred, minlength=n_classes**2)
    return Evaluation(
        classes=list(classes),
        n=len(truth),
        **scores,
        per_class=_per_class(total, classes),
        confusion=confusion.reshape(n_classes, n_classes).tolist(),
        per_location=_per_location(tallies, names),
        intervals=intervals,
        interval_note=note,
        level=level,
        ece=None if probs is None else reliability(probs.max(axis=1), pred == truth).ece,
        log_loss=None if probs is None else log_loss(truth, probs),
        tallies=nested_tallies(tallies, locations=names.tolist(), classes=classes),
    )


def _check(
    truth: NDArray[Any], outputs: NDArray[Any], classes: Sequence[str], groups: NDArray[Any]
) -> None:
    n, n_classes = len(truth), len(classes)
    problems = []
    if n == 0:
        problems.append("there is nothing to score")
    if len(outputs) != n or len(groups) != n:
        problems.append(f"{n} labels, {len(outputs)} predictions and {len(groups)} groups")
    if len(set(classes)) != n_classes:
        problems.append("class names repeat")
    if outputs.ndim == 2 and (outputs.shape[1] != n_classes or not np.isfinite(outputs).all()):
        problems.append(f"probabilities are not finite [N, {n_classes}] but {outputs.shape}")
    elif outputs.ndim == 2 and n and np.abs(outputs.sum(axis=1) - 1).max() > 1e-3:
        problems.append("rows of the probabilities do not sum to 1")
    for name, values in [("labels", truth), *([("predictions", outputs)] * (outputs.ndim == 1))]:
        if not np.issubdtype(values.dtype, np.integer):
            problems.append(f"{name} are {values.dtype}, not integers")
        elif len(values) and not 0 <= values.min() <= values.max() < n_classes:
            problems.append(f"{name} outside 0..{n_classes - 1}")
    if problems:
        raise ValueError("cannot evaluate: " + "; ".join(problems))


def _per_class(total: FloatArray, classes: Sequence[str]) -> dict[str, ClassScores]:
    def ratio(part: float, whole: float) -> float | None:
        return float(part / whole) if whole else None

    return {
        name: ClassScores(
            precision=ratio(hits, predicted),
            recall=ratio(hits, support),
            f1=ratio(2 * hits, support + predicted) if support else None,
            support=int(support),
        )
        for name, (hits, support, predicted) in zip(classes, total.T, strict=True)
    }


def _per_location(tallies: FloatArray, names: NDArray[Any]) -> dict[str, LocationScores]:
    scores = scores_of(tallies)
    counts = tallies[:, 1].sum(axis=1)
    return {
        str(name): LocationScores(n=int(n), accuracy=float(accuracy), macro_f1=float(f1))
        for name, n, accuracy, f1 in zip(
            names, counts, scores["accuracy"], scores["macro_f1"], strict=True
        )
    }
