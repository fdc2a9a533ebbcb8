"""Two versions side by side, by class and by location, with intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from classification.evaluation.intervals import (
    OVERALL,
    Bounds,
    bounds,
    draws,
    places,
    points,
    table_of,
    wilson,
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A score of both versions."""

    name: str
    n: int
    """Test items behind it."""
    locations: int
    """At which they were seen."""
    values: tuple[float | None, float | None]
    intervals: tuple[Bounds, Bounds]
    difference: Bounds = None
    """Interval of second minus first, paired by location; None where it cannot be given."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All scores that two versions share."""

    same_test: bool
    overall: list[Row]
    classes: list[Row]
    locations: list[Row]


def compare(first: dict[str, Any], second: dict[str, Any]) -> Comparison | None:
    """Compare the records of two versions; None where one was not measured on a test split.

    Differences have intervals only where both were measured on the same items: every resample
    then draws the same locations for both.
    """
    tests = first["test"], second["test"]
    if not all(test and test.get("tallies") for test in tests):
        return None
    hashes = [record["data"].get("test_split") for record in (first, second)]
    same = hashes[0] is not None and hashes[0] == hashes[1]
    same = same and tests[0]["tallies"].keys() == tests[1]["tallies"].keys()
    classes = list(dict.fromkeys([*tests[0]["classes"], *tests[1]["classes"]]))
    rows = list(_resampled(tests, classes, paired=same))
    return Comparison(
        same_test=same,
        overall=rows[: len(OVERALL)],
        classes=rows[len(OVERALL) :],
        locations=list(_by_location(tests)),
    )


def _resampled(
    tests: tuple[dict[str, Any], ...], classes: list[str], *, paired: bool
) -> Iterator[Row]:
    tables = [table_of(test["tallies"], classes) for test in tests]
    values = [points(table) for table in tables]
    drawn = [draws(table) for table in tables]
    at = [places(table) for table in tables]
    found = [bounds(d, number) for d, number in zip(drawn, at, strict=True)]
    differences: list[Bounds] = [None] * len(found[0])
    if paired:
        differences = bounds(drawn[1] - drawn[0], at[0])
    support = tables[0][:, 1].sum(axis=0)
    counts = [int(support.sum())] * len(OVERALL) + support.astype(int).tolist()
    for i, name in enumerate([*OVERALL, *classes]):
        yield Row(
            name=name,
            n=counts[i],
            locations=at[0][i],
            values=(_finite(values[0][i]), _finite(values[1][i])),
            intervals=(found[0][i], found[1][i]),
            difference=differences[i],
        )


def _by_location(tests: tuple[dict[str, Any], ...]) -> Iterator[Row]:
    found = [test["per_location"] for test in tests]
    for name in sorted({**found[0], **found[1]}):
        rows = [scores.get(name) for scores in found]
        scores = [row["accuracy"] if row else None for row in rows]
        intervals = [wilson(row["accuracy"] * row["n"], row["n"]) if row else None for row in rows]
        yield Row(
            name=name,
            n=next(row["n"] for row in rows if row),
            locations=1,
            values=(scores[0], scores[1]),
            intervals=(intervals[0], intervals[1]),
        )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
