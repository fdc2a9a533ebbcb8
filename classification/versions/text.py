"""Versions and comparisons as lines for a terminal."""

from collections.abc import Sequence
from typing import Any

from classification.evaluation.intervals import Bounds
from classification.versions.comparison import Comparison, Row

_WIDEST = 32  # characters of a name


def record_lines(record: dict[str, Any]) -> list[str]:
    """What a person asks first about a version."""
    test, labelling = record["test"], record["labelling"]
    lines = [
        f"run:          {record['run']}, round {record['round']}",
        f"network:      {record['backbone']['backbone']}, {_preprocessing(record)}",
        f"labels:       {record['num_labels']} from {len(record['train_locations'])} locations"
        + _effort(labelling),
        f"temperature:  {record['temperature']:.3f}",
        f"licence:      {record['licence']}",
        f"data:         table {record['data'].get('table', '')[:12]}, test split "
        f"{record['data'].get('test_split', '')[:12]}",
    ]
    if not test:
        return [*lines, "test:         not measured"]
    lines += [
        f"{name + ':':14}{score(test[name], test['intervals'].get(name))}"
        for name in ("accuracy", "macro_f1")
    ]
    return [*lines, *_class_lines(record), *_location_lines(test)]


def comparison_lines(found: Comparison, *, names: Sequence[str]) -> list[str]:
    """Scores side by side; a difference is marked where its interval leaves out 0."""
    lines = []
    if not found.same_test:
        lines.append(
            "measured on two test splits: these scores say nothing of which is better, and no "
            "difference is given"
        )
    parts = {
        "": found.overall,
        "F1 by class": found.classes,
        "accuracy by location": found.locations,
    }
    for title, rows in parts.items():
        head = f"{title:{_WIDEST}} {'n':>6} {'places':>6}  {names[0]:20}  {names[1]:20}"
        last = "" if title == "accuracy by location" else "  difference"
        lines += ["", (head + last).rstrip()]
        lines += [_comparison_line(row) for row in rows]
    return lines


def score(value: float | None, interval: Bounds) -> str:
    """``0.75 [0.61, 0.83]``; ``-`` for what is undefined."""
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "")


def _comparison_line(row: Row) -> str:
    first, second = (score(v, i) for v, i in zip(row.values, row.intervals, strict=True))
    line = f"{row.name[:_WIDEST]:{_WIDEST}} {row.n:6d} {row.locations:6d}  {first:20}  {second:20}"
    if row.difference is None or None in row.values:
        return line.rstrip()
    low, high = row.difference
    change = (row.values[1] or 0.0) - (row.values[0] or 0.0)
    sure = "" if low <= 0 <= high else "  *"
    return f"{line}  {change:+.3f} [{low:+.2f}, {high:+.2f}]{sure}"


def _preprocessing(record: dict[str, Any]) -> str:
    side = record["preprocessing"]["image_size"]
    return f"{side} px, {len(record['classes'])} classes"


def _effort(labelling: dict[str, Any] | None) -> str:
    if not labelling:
        return ""
    people = f"{labelling['decisions']} decisions by {', '.join(labelling['annotators'])}"
    hours = labelling["hours"]
    return f" ({people}" + (f", {hours:.1f} hours)" if hours is not None else ")")


def _class_lines(record: dict[str, Any]) -> list[str]:
    test, limits = record["test"], record["thresholds"]
    share = f"{limits['precision']:.0%} sure from"
    lines = [f"{'class':{_WIDEST}} {'train':>6} {'test':>6}  {'F1':20}  {share}"]
    for name in test["classes"]:
        row, limit = test["per_class"][name], limits["per_class"].get(name)
        shown = "-" if limit is None else f"{limit:.3f}"
        f1 = score(row["f1"], row.get("f1_interval"))
        train = record["train_counts"].get(name, 0)
        lines.append(f"{name[:_WIDEST]:{_WIDEST}} {train:6d} {row['support']:6d}  {f1:20}  {shown}")
    return ["", *lines]


def _location_lines(test: dict[str, Any]) -> list[str]:
    lines = [f"{'location':{_WIDEST}} {'':6} {'test':>6}  accuracy"]
    for name, row in sorted(test["per_location"].items()):
        accuracy = score(row["accuracy"], row.get("accuracy_interval"))
        lines.append(f"{name[:_WIDEST]:{_WIDEST}} {'':6} {row['n']:6d}  {accuracy}")
    return ["", *lines]
