"""A model card in Markdown, for people who decide whether to use a model.

After Mitchell et al. 2019, "Model Cards for Model Reporting" (arXiv:1810.03993): what it is, what
it learned from, how good it is and where not, and what it must not be used for.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from classification.errors import FieldmarkError
from classification.evaluation import sections
from classification.evaluation.page import interval, percent, points

if TYPE_CHECKING:
    from classification.evaluation.acceptance import Acceptance
    from classification.evaluation.record import RunRecord
    from classification.evaluation.trust import Honesty, Trust

_WEAK = 0.5  # recall below which a class is named among the limits
_FEW = 20  # test images below which a score is an anecdote


def model_card(record: "RunRecord", trust: "Trust", *, licence: str = "", contact: str = "") -> str:
    """The card of a run's newest model.

    Args:
        record: the run.
        trust: what `trust.trust` made of it.
        licence: of the model; empty: not stated.
        contact: who answers for it; empty: not stated.

    Raises:
        FieldmarkError: the run has no scored model yet.
    """
    head = sections.headline(record.rounds)
    if head is None:
        raise FieldmarkError(f"{record.name} has no scored model yet: there is nothing to describe")
    parts = [
        [f"# {record.name}", "", _sentence(head)],
        ["## Model", "", *_facts(record, licence, contact)],
        ["## What it learned from", "", *_training(record, head)],
        ["## How good it is", "", *_scores(head), "", *_classes(record, head)],
        ["## How far to trust it", "", *_trust(trust)],
        ["## Where it fails", "", *_limits(head)],
        ["## Not for", "", *_out_of_scope(record)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _sentence(head: sections.Headline) -> str:
    where = "it has never seen" if head.split == "test" else "held out for validation"
    scores = head.scores
    return (
        f"A classifier of {len(scores.classes)} classes of camera-trap images. With "
        f"{head.num_labels:,} labels it is right on {percent(scores.accuracy)} of {scores.n:,} "
        f"images from {len(scores.per_location)} {head.unit} {where}."
    )


def _facts(record: "RunRecord", licence: str, contact: str) -> list[str]:
    card, packages = record.model, record.provenance.get("packages") or {}
    facts = {
        "backbone": card.get("backbone"),
        "weights": card.get("weights"),
        "weights, SHA-256": card.get("weights_sha256"),
        "fine-tuned with": card.get("trained_with") or "no labels: frozen",
        "head": card.get("head"),
        "input": _input(card.get("preprocessing") or {}),
        "temperature": f"{card.get('temperature', 1.0):.3g}",
        "seed": card.get("seed"),
        "made": record.provenance.get("created"),
        "by": f"fieldmark {record.provenance.get('fieldmark', '?')}, "
        + ", ".join(f"{k} {v}" for k, v in list(packages.items())[:2]),
        "licence": licence or "not stated",
        "contact": contact or "not stated",
    }
    return _table(("", ""), [(key, value) for key, value in facts.items() if value is not None])


def _input(preprocessing: dict[str, Any]) -> str | None:
    size = preprocessing.get("image_size")
    return None if size is None else f"RGB crops, {size} x {size} pixels"


def _training(record: "RunRecord", head: sections.Headline) -> list[str]:
    played = next(r for r in record.rounds if r["round"] == head.round)
    locations = played.get("train_locations") or {}
    where = f" from {len(locations):,} cameras or bursts" if locations else ""
    strategies = dict.fromkeys(str(r.get("strategy")) for r in record.rounds[: head.round])
    lines = [
        f"{head.num_labels:,} labels{where}, asked for in {head.round} rounds by "
        f"{', '.join(strategies)}. Labels by class are in the table below.",
        "",
    ]
    data = played.get("data") or {}
    return lines + _table(("data", "SHA-256"), sorted(data.items()))


def _scores(head: sections.Headline) -> list[str]:
    scores = head.scores
    names = {"accuracy": "accuracy", "macro_f1": "macro-F1", "balanced_accuracy": "mean recall"}
    rows = [
        (text, percent(getattr(scores, key), 1), interval(scores.intervals.get(key)) or "-")
        for key, text in names.items()
    ]
    lines = _table((f"on {head.split}", "", f"{percent(scores.level)} over {head.unit}"), rows)
    return lines + (["", head.caution] if head.caution else [])


def _classes(record: "RunRecord", head: sections.Headline) -> list[str]:
    played = next(r for r in record.rounds if r["round"] == head.round)
    rows = [
        (
            row["name"],
            f"{row['trained']:,}",
            f"{row['support']:,}",
            percent(row["recall"]),
            percent(row["precision"]),
            f"{row['taken_for'][0]} ({row['taken_for'][1]})" if row["taken_for"] else "-",
        )
        for row in sections.class_rows(head.scores, played.get("train_counts") or {})
    ]
    names = ("class", "labels", "images", "recall", "precision", "most often taken for")
    return _table(names, rows)


def _trust(trust: "Trust") -> list[str]:
    lines = [_calibration(row) for row in trust.honesty if row.split == "test"]
    lines += [_accepted(row) for row in trust.acceptance]
    if (audit := trust.audit_together) is not None:
        lines.append(
            f"- On its own pool, by {audit.answered} labels drawn at random: "
            f"{percent(audit.accuracy)} right ({interval(audit.interval)})."
        )
    lines += [
        f"- {gain.batch:,} further labels are expected to add {points(gain.gain)} points of "
        f"{gain.score.replace('_f1', '-F1')} ({points(gain.interval[0])} to "
        f"{points(gain.interval[1])})."
        for gain in trust.gains
    ]
    return lines or ["Nothing is known: there are no labelled predictions."]


def _calibration(row: "Honesty") -> str:
    before = f" (before temperature scaling: {row.ece[0]:.3f})" if row.temperature != 1 else ""
    return f"- Calibration error on test: {row.ece[1]:.3f}{before}."


def _accepted(row: "Acceptance") -> str:
    if row.threshold is None:
        return f"- A precision of {percent(row.target)} is not reached on validation."
    span = f" ({interval(row.share_interval)})" if row.share_interval else ""
    return (
        f"- From a confidence of {percent(row.threshold, 1)} on, {percent(row.share)}{span} of the "
        f"test images are accepted and {percent(row.precision, 1)} of those are right "
        f"(aim: {percent(row.target)})."
    )


def _limits(head: sections.Headline) -> list[str]:
    lines = []
    for name, found in sorted(head.scores.per_class.items()):
        recall, support = found["recall"], found["support"]
        if recall is not None and recall < _WEAK:
            lines.append(f"- **{name}** is missed more often than not: recall {percent(recall)}.")
        if support < _FEW:
            images = "no image" if not support else f"{support} images"
            lines.append(f"- **{name}** has {images} in {head.split}: its scores prove little.")
    worst = sections.worst_locations(head.scores, limit=3)
    lines.append(
        f"- Worst {head.unit}: "
        + ", ".join(f"{row['name']} ({percent(row['accuracy'])} of {row['n']})" for row in worst)
        + "."
    )
    return lines


def _out_of_scope(record: "RunRecord") -> list[str]:
    classes = record.rounds[-1].get("classes") or []
    unseen = [name for name in classes if name not in (record.model.get("seen") or classes)]
    lines = [
        "- Species outside its classes: it always answers with one of them.",
        "- Other habitats, seasons or cameras without a test of its own: scores are of the cameras "
        "above.",
        "- Decisions about single images that nobody looks at below the confidences above.",
    ]
    if unseen:
        lines.append(f"- {', '.join(unseen)}: it had no label of these and never predicts them.")
    return lines


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A Markdown table; bars in names are escaped."""
    lines = [_row(head), "|" + "---|" * len(head)]
    return lines + [_row(row) for row in rows]


def _row(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
