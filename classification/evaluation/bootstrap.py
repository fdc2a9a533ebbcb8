"""Scores from tallies by location, and their intervals from resampled locations."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_RESAMPLE_CELLS = 4_000_000  # draws held at once: 32 MB, whatever the number of locations


def tally(
    truth: IntArray, pred: IntArray, location: IntArray, *, shape: tuple[int, int]
) -> FloatArray:
    """Hits, support and number of predictions by location and class: [L, 3, C].

    All scores follow from these three, so a resample need not sum L confusion matrices.
    """
    n_locations, n_classes = shape
    hit = truth == pred

    def count(where: IntArray, what: IntArray) -> IntArray:
        cells = np.bincount(where * n_classes + what, minlength=n_locations * n_classes)
        return cells.reshape(shape)

    hits = count(location[hit], truth[hit])
    return np.stack([hits, count(location, truth), count(location, pred)], axis=1).astype(float)


def nested_tallies(
    tallies: FloatArray, *, locations: Sequence[str], classes: Sequence[str]
) -> dict[str, dict[str, list[int]]]:
    """Tallies [L, 3, C] by name, for a record; classes of which a location has nothing left out."""
    found: dict[str, dict[str, list[int]]] = {name: {} for name in locations}
    for i, c in np.argwhere(tallies.any(axis=1)).tolist():
        found[locations[i]][classes[c]] = tallies[i, :, c].astype(int).tolist()
    return found


def tallies_of(
    nested: dict[str, dict[str, list[int]]], *, locations: Sequence[str], classes: Sequence[str]
) -> FloatArray:
    """Tallies [L, 3, C] of such a record, in the order given."""
    column = {name: c for c, name in enumerate(classes)}
    tallies = np.zeros((len(locations), 3, len(classes)))
    for i, location in enumerate(locations):
        for name, counts in nested[location].items():
            tallies[i, :, column[name]] = counts
    return tallies


def scores_of(tallies: FloatArray) -> dict[str, Any]:
    """Accuracy, macro-F1 and balanced accuracy of tallies [..., 3, C]: arrays [...]."""
    hits, support, predicted = tallies[..., 0, :], tallies[..., 1, :], tallies[..., 2, :]
    present = support > 0
    n_present = present.sum(axis=-1)
    f1 = 2 * hits / np.maximum(support + predicted, 1)
    recall = hits / np.maximum(support, 1)
    return {
        "accuracy": hits.sum(axis=-1) / support.sum(axis=-1),
        "macro_f1": np.where(present, f1, 0).sum(axis=-1) / n_present,
        "balanced_accuracy": np.where(present, recall, 0).sum(axis=-1) / n_present,
    }


def location_intervals(
    tallies: FloatArray, *, rng: np.random.Generator, resamples: int, level: float
) -> tuple[dict[str, list[float] | None], str | None]:
    """Percentile intervals over resampled locations, or None for each score and the reason.

    A resample averages macro-F1 over the classes that its locations happen to hold.
    """
    names = ("accuracy", "macro_f1", "balanced_accuracy")
    n_locations = len(tallies)
    if n_locations < 2:
        return dict.fromkeys(names), "all items come from one location: no interval can be given"
    if resamples < 1:
        return dict.fromkeys(names), "no bootstrap resamples were asked for"
    flat = tallies.reshape(n_locations, -1)
    rows = max(1, _RESAMPLE_CELLS // n_locations)
    parts = []
    for start in range(0, resamples, rows):
        weights = draw_locations(n_locations, rows=min(rows, resamples - start), rng=rng)
        parts.append(scores_of((weights @ flat).reshape(-1, *tallies.shape[1:])))
    tails = [(1 - level) / 2, (1 + level) / 2]
    drawn = {name: np.concatenate([part[name] for part in parts]) for name in names}
    return {name: np.quantile(values, tails).tolist() for name, values in drawn.items()}, None


def draw_locations(n: int, *, rows: int, rng: np.random.Generator) -> FloatArray:
    """How often each of `n` locations is drawn in `n` draws with replacement: [rows, n]."""
    cells = rng.integers(0, n, size=(rows, n)) + n * np.arange(rows)[:, None]
    return np.bincount(cells.ravel(), minlength=rows * n).reshape(rows, n).astype(float)
