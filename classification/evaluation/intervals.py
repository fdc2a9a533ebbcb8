"""Intervals by class and by location, and of the difference between two models on one test."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from classification.evaluation.bootstrap import (
    FloatArray,
    draw_locations,
    scores_of,
    tallies_of,
)

OVERALL = ("accuracy", "macro_f1", "balanced_accuracy")
_RESAMPLES, _SEED, _LEVEL = 1000, 0, 0.95
# With a class at one location every resample repeats the same items: an interval of no width.
_LEAST_LOCATIONS = 3
_Z = 1.959964  # normal quantile of _LEVEL

Nested = dict[str, dict[str, list[int]]]
Bounds = list[float] | None


def table_of(nested: Nested, classes: Sequence[str]) -> FloatArray:
    """Tallies [L, 3, C] of a record, locations in alphabetic order."""
    return tallies_of(nested, locations=sorted(nested), classes=classes)


def points(tallies: FloatArray) -> FloatArray:
    """The scores of `OVERALL`, then the F1 of each class: [..., 3 + C] of tallies [..., L, 3, C].

    NaN for a class that does not occur in the truth.
    """
    return _scores(tallies.sum(axis=-3))


def draws(tallies: FloatArray) -> FloatArray:
    """The same scores of resampled locations (Field & Welsh, 2007): [R, 3 + C].

    Two models with the same locations get the same draws, so that their difference is paired.
    """
    n = len(tallies)
    weights = draw_locations(n, rows=_RESAMPLES, rng=np.random.default_rng(_SEED))
    summed = (weights @ tallies.reshape(n, -1)).reshape(-1, *tallies.shape[1:])
    return _scores(summed)


def places(tallies: FloatArray) -> list[int]:
    """At how many locations each score of `points` was measured, of tallies [L, 3, C]."""
    by_class = (tallies[:, 1] > 0).sum(axis=0)
    return [len(tallies)] * len(OVERALL) + by_class.tolist()


def bounds(values: FloatArray, at: list[int]) -> list[Bounds]:
    """95 % percentile interval of each score; None where there can be none.

    Args:
        values: draws, or differences of draws [R, K]; NaN where a draw lacks the class.
        at: locations behind each score [K]; at least three are needed.
    """
    tails = [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]
    return [
        np.nanquantile(column, tails).tolist() if number >= _LEAST_LOCATIONS else None
        for column, number in zip(values.T, at, strict=True)
    ]


def wilson(hits: float, n: float) -> list[float]:
    """95 % interval of a share at one location (Wilson, 1927, J. Am. Stat. Assoc. 22).

    It takes images for independent trials, which those of one location are not quite.
    """
    share = hits / n
    centre = share + _Z**2 / (2 * n)
    half = _Z * float(np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n)))
    low, high = (centre - half) / (1 + _Z**2 / n), (centre + half) / (1 + _Z**2 / n)
    return [max(0.0, low), min(1.0, high)]


def with_intervals(scores: dict[str, Any]) -> dict[str, Any]:
    """An evaluation as JSON with ``f1_interval`` by class and ``accuracy_interval`` by location."""
    nested: Nested = scores.get("tallies") or {}
    if not nested:
        return scores
    classes = scores["classes"]
    tallies = table_of(nested, classes)
    found = bounds(draws(tallies), places(tallies))[len(OVERALL) :]
    per_class = {
        name: {**scores["per_class"][name], "f1_interval": interval}
        for name, interval in zip(classes, found, strict=True)
    }
    per_location = {
        name: {**row, "accuracy_interval": wilson(row["accuracy"] * row["n"], row["n"])}
        for name, row in scores["per_location"].items()
    }
    return {**scores, "per_class": per_class, "per_location": per_location}


def _scores(tallies: FloatArray) -> FloatArray:
    overall = scores_of(tallies)
    hits, support, said = (tallies[..., i, :] for i in range(3))
    f1 = np.where(support > 0, 2 * hits / np.maximum(support + said, 1), np.nan)
    return np.concatenate([np.stack([overall[k] for k in OVERALL], axis=-1), f1], axis=-1)
