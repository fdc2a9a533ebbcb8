"""How many predictions could be taken without a look: "N % at 95 % precision", and how sure.

The threshold is set on validation and tried on test. Both come from few cameras, so the interval
redraws the locations of both and sets the threshold anew each time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification.evaluation.bootstrap import draw_locations
from classification.evaluation.calibration import acceptance_threshold

_LEAST = 20  # predictions a threshold must rest on; fewer prove nothing
_CELLS = 4_000_000  # weights held at once: 32 MB


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Predictions whose truth is known.

    Attributes:
        confidence: float [N], probability of the predicted class.
        correct: bool [N].
        location: [N], the camera location of each, of any type; None where unknown.
    """

    confidence: NDArray[np.floating]
    correct: NDArray[np.bool_]
    location: NDArray[np.generic] | None = None


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """What a wanted precision allows to accept.

    Attributes:
        target: precision that was asked for.
        threshold: confidence from which on predictions are accepted; None where validation never
            reaches the target. Then nothing is accepted.
        share: of the test predictions that are accepted.
        precision: share of those that were right; None where nothing is accepted.
        share_interval, precision_interval: `[low, high]` over redrawn locations; None where there
            is only one, where they are unknown, or where nothing is accepted.
        reached: share of the redrawn validations that reach the target; None without intervals.
    """

    target: float
    threshold: float | None
    share: float
    precision: float | None
    share_interval: list[float] | None = None
    precision_interval: list[float] | None = None
    reached: float | None = None


def acceptance(
    val: Scored,
    test: Scored,
    *,
    target: float,
    rng: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
) -> Acceptance:
    """Accept on test from the confidence that reaches `target` on validation.

    Args:
        val: what the threshold is set on.
        test: what it is tried on.
        target: precision wanted among what is accepted.
        rng: source of the draws of locations.
        resamples: bootstrap resamples; a draw in which validation never reaches the target
            accepts nothing.
        level: coverage of the intervals.
    """
    threshold = acceptance_threshold(val.confidence, val.correct, precision=target, least=_LEAST)
    taken = test.confidence >= (np.inf if threshold is None else threshold)
    point = Acceptance(
        target=target,
        threshold=threshold,
        share=float(taken.mean()),
        precision=float(test.correct[taken].mean()) if taken.any() else None,
    )
    if threshold is None or not resamples or _locations(val) < 2 or _locations(test) < 2:
        return point
    share, precision = _redraw(val, test, target=target, rng=rng, resamples=resamples)
    tails = [(1 - level) / 2, (1 + level) / 2]
    known = precision[np.isfinite(precision)]
    return Acceptance(
        target=target,
        threshold=threshold,
        share=point.share,
        precision=point.precision,
        share_interval=np.quantile(share, tails).tolist(),
        precision_interval=np.quantile(known, tails).tolist() if len(known) else None,
        reached=float((share > 0).mean()),
    )


def _locations(items: Scored) -> int:
    return 0 if items.location is None else len(np.unique(items.location))


def _redraw(
    val: Scored, test: Scored, *, target: float, rng: np.random.Generator, resamples: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share and precision of what each redraw accepts: float [resamples], NaN where undefined."""
    rows = max(1, _CELLS // max(len(val.correct), len(test.correct)))
    parts = []
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        thresholds = _thresholds(_Ranked(val, rows=size, rng=rng), target)
        parts.append(_accepted(_Ranked(test, rows=size, rng=rng), thresholds))
    share, precision = np.concatenate(parts, axis=1)
    return share, precision


class _Ranked:
    """Predictions by falling confidence, with running weights of each redraw of their locations."""

    def __init__(self, items: Scored, *, rows: int, rng: np.random.Generator) -> None:
        order = np.argsort(-items.confidence, kind="stable")
        self.confidence = items.confidence[order].astype(np.float64)
        names, place = np.unique(np.asarray(items.location), return_inverse=True)
        weights = draw_locations(len(names), rows=rows, rng=rng)[:, place[order]]
        self.taken = np.cumsum(weights, axis=1)
        """Items from the first to each rank: float [rows, N]."""
        self.right = np.cumsum(weights * items.correct[order], axis=1)
        """Those of them that are right."""


def _thresholds(ranked: _Ranked, target: float) -> NDArray[np.float64]:
    """The lowest confidence of each redraw that reaches `target`; infinity where none does."""
    confidence = ranked.confidence
    last_of_tie = np.append(confidence[1:] != confidence[:-1], True)
    good = (ranked.taken >= _LEAST) & (ranked.right >= target * ranked.taken) & last_of_tie
    last = good.shape[1] - 1 - good[:, ::-1].argmax(axis=1)
    total = np.take_along_axis(ranked.taken, last[:, None], axis=1)
    drawn = (ranked.taken >= total).argmax(axis=1)  # ranks behind it were not drawn at all
    return np.where(good.any(axis=1), confidence[drawn], np.inf)


def _accepted(ranked: _Ranked, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share and precision of what each redraw accepts: float [2, rows]."""
    count = np.searchsorted(-ranked.confidence, -thresholds, side="right")
    rows, last = np.arange(len(count)), np.maximum(count - 1, 0)
    taken = np.where(count > 0, ranked.taken[rows, last], 0)
    right = np.where(count > 0, ranked.right[rows, last], 0)
    precision = np.divide(right, taken, out=np.full(len(count), np.nan), where=taken > 0)
    return np.stack([taken / ranked.taken[:, -1], precision])
