"""Rows and sentences of the report: pure functions of a run's records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classification.evaluate import Evaluation

if TYPE_CHECKING:
    import pandas as pd

FEW_LOCATIONS = 10  # below this, resampling locations understates the doubt
SMALL_LOCATION = 5  # images; below this, an accuracy is mostly luck


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The last model's scores: on test where there is one, else on validation."""

    split: str
    round: int
    num_labels: int
    scores: Evaluation
    unit: str
    """What was resampled: cameras, or groups where some items have no camera location."""
    caution: str | None
    """What weakens the interval."""


def headline(rounds: Sequence[Mapping[str, Any]]) -> Headline | None:
    """The last round with scores, or None while nothing has been learned."""
    for record in reversed(rounds):
        for split in ("test", "val"):
            if record.get(split):
                scores = Evaluation.from_json(record[split])
                unit = _unit(scores)
                return Headline(
                    split=split,
                    round=record["round"],
                    num_labels=record["num_labels"],
                    scores=scores,
                    unit=unit,
                    caution=_caution(scores, unit=unit),
                )
    return None


def _unit(scores: Evaluation) -> str:
    stand_ins = [name.startswith(("sequence:", "image:")) for name in scores.per_location]
    return "sequences" if all(stand_ins) else "groups" if any(stand_ins) else "cameras"


def _caution(scores: Evaluation, *, unit: str) -> str | None:
    n = len(scores.per_location)
    if scores.interval_note:
        return f"No interval: {scores.interval_note}."
    if n < FEW_LOCATIONS:
        return f"Only {n} {unit}: the true uncertainty is larger than these intervals."
    return None


def round_rows(rounds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per round: number, labels, scores by split (None without), query and seconds."""
    return [
        {
            "round": r["round"],
            "num_labels": r["num_labels"],
            "test": r.get("test"),
            "val": r.get("val"),
            "strategy": r.get("strategy") or "–",
            "num_queries": r.get("num_queries") or 0,
            "num_pool": r.get("num_pool"),
            "seconds": sum((r.get("seconds") or {}).values()),
        }
        for r in rounds
    ]


def class_rows(scores: Evaluation, train_counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """One row per class, most frequent first, with the class it is most often taken for.

    Classes that are neither labelled, nor in the split, nor predicted are left out.
    """
    rows = []
    for name, counts in zip(scores.classes, scores.confusion, strict=True):
        found = scores.per_class[name]
        trained = int(train_counts.get(name, 0))
        if not (found["support"] or found["precision"] is not None or trained):
            continue
        wrong = [(n, other) for other, n in zip(scores.classes, counts, strict=True)]
        times, other = max(((n, o) for n, o in wrong if o != name), default=(0, ""))
        taken_for = (other, times) if times else None
        rows.append({"name": name, "trained": trained, "taken_for": taken_for, **found})
    return sorted(rows, key=lambda row: (-row["support"], row["name"]))


def worst_locations(scores: Evaluation, *, limit: int = 10) -> list[dict[str, Any]]:
    """The locations of lowest accuracy among those with enough images to tell."""
    rows = [{"name": name, **found} for name, found in scores.per_location.items()]
    telling = [row for row in rows if row["n"] >= SMALL_LOCATION] or rows
    return sorted(telling, key=lambda row: (row["accuracy"], -row["n"], row["name"]))[:limit]


def queried_labels(train: "pd.DataFrame") -> dict[str, dict[str, int]]:
    """Labels by the round whose query they answer, in order; ``start``: labelled before."""
    table: dict[str, dict[str, int]] = {}
    for number, labels in train.groupby("round", sort=True)["label"]:
        name = "start" if number == -1 else str(number)
        table[name] = {str(label): int(n) for label, n in labels.value_counts().items()}
    return table


def confident_mistakes(items: "pd.DataFrame", *, limit: int) -> "pd.DataFrame":
    """Wrong predictions, most confident first: where the model, or the label, is surely wrong."""
    wrong = items[items["label"] != items["prediction"]]
    return wrong.sort_values(["confidence", "path"], ascending=[False, True]).head(limit)


def least_confident(items: "pd.DataFrame", *, limit: int) -> "pd.DataFrame":
    """The predictions of lowest confidence, right or wrong."""
    return items.sort_values(["confidence", "path"]).head(limit)


def flatten(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted keys and short values of a nested record, for a table of two columns."""
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name}.")
        elif isinstance(value, list):
            listed = ", ".join(map(str, value[:12]))
            yield name, listed + (f", … ({len(value)} in all)" if len(value) > 12 else "")
        elif value is not None:
            yield name, f"{value:.6g}" if isinstance(value, float) else str(value)
