"""What ``train.py`` tells a person on the terminal."""

from typing import Any

from classification.config import RunConfig
from classification.config_labels import LabelConfig
from classification.data.dataset import Dataset
from classification.evaluation.expected_gain import run_gains
from classification.files import read_json
from classification.labelling.judged import KEPT
from classification.labelling.people import where_to_answer
from classification.paths import RoundPaths, RunPaths
from classification.paths.labels import TimelapsePaths
from classification.rounds import Outcome

_BAR = 40  # characters of a full bar
_WHO = {
    "oracle": "the table (a simulation: labels.source is oracle)",
    "store": "people",
    "timelapse": "people by way of Timelapse",
}


def plan_line(dataset: Dataset, config: RunConfig, *, device: str) -> str:
    """What is about to happen, in one line; another where a simulation stands in people's place."""
    train, known = len(dataset.rows("train")), len(dataset.rows("train", labelled=True))
    unasked = ""
    if config.labels.source == "oracle" and known < train:
        unasked = (
            f"\nnote: {train - known} of {train} train crops have no label, and in a simulation "
            "nobody is asked about them; to label them say --labels.source store (or timelapse)"
        )
    sizes = ", ".join(f"{len(dataset.rows(s))} {s}" for s in ("train", "val", "test"))
    return (
        f"{len(dataset)} crops of {len(dataset.classes)} classes ({sizes}); "
        f"{config.backbone.name} on {device}; {config.rounds} rounds of {config.query.size} "
        f"queries by {config.query.strategy}, labels from {_WHO[config.labels.source]}{unasked}"
    )


def round_line(paths: RoundPaths) -> str:
    """One line on a complete round."""
    record = read_json(paths.metrics, what="metrics")
    head = f"round {record['round']}: {record['num_labels']:5d} labels"
    scores = "   ".join(
        f"{split} {_with_interval(record[split], 'accuracy')}"
        f" macro-F1 {_with_interval(record[split], 'macro_f1')}"
        for split in ("val", "test", KEPT)
        if record.get(split)
    )
    return f"{head}   {scores or 'no model yet'}   asks for {record['num_queries']}"


def curve_lines(paths: RunPaths) -> list[str]:
    """The learning curve on the test split as bars."""
    records = [read_json(paths.round(n).metrics, what="metrics") for n in paths.complete_rounds()]
    scored = [r for r in records if r["test"]]
    if not scored:
        return []
    return [
        "learning curve on the test split (cameras, or bursts, not seen in training):",
        "  labels  accuracy  macro-F1",
        *(
            f"  {r['num_labels']:6d}  {r['test']['accuracy']:8.3f}  {r['test']['macro_f1']:8.3f}  "
            + "#" * round(_BAR * r["test"]["macro_f1"])
            for r in scored
        ),
    ]


def gain_lines(paths: RunPaths) -> list[str]:
    """What the next batch is expected to add, from the rounds so far on validation."""
    records = [read_json(paths.round(n).metrics, what="metrics") for n in paths.complete_rounds()]
    batch = next((r["num_queries"] for r in reversed(records) if r["num_queries"]), 0)
    split = "val" if any(r["val"] for r in records) else "test"
    gains = run_gains(records, split=split, batch=batch) if batch else []
    said = [
        f"{100 * gain.gain:+.1f} points of {gain.score.replace('_f1', '-F1')} "
        f"({100 * gain.interval[0]:.1f} to {100 * gain.interval[1]:.1f})"
        for gain in gains
    ]
    return [f"to expect of {batch} more labels: {', '.join(said)}"] if said else []


def closing_lines(
    paths: RunPaths, outcome: Outcome, labels: LabelConfig, *, tracking: str
) -> list[str]:
    """Where the run stands and what to look at."""
    lines = ["", *curve_lines(paths), *gain_lines(paths), f"report: {paths.report}"]
    if outcome.finished:
        lines.append(f"model:  {paths.export}")
    if tracking:
        lines.append(f"runs:   {tracking}")
    last = read_json(paths.round(outcome.completed).metrics, what="metrics")
    if not last.get("num_measured", {}).get("test", 1):
        lines.append(
            "no score: nobody has labelled an image of the test split; label some "
            "(classification/label.py serve: Show unlabelled, in test), and the next round is "
            "measured on them"
        )
    if outcome.waiting:
        where = str(paths.labels) if not labels.store else labels.store
        todo = where_to_answer(labels, where, TimelapsePaths(paths.root))
        lines.append(
            f"waiting for {outcome.waiting} labels of {paths.round(outcome.completed).query}: "
            f"{todo}; then run the same command again"
        )
    return lines


def _with_interval(scores: dict[str, Any], key: str) -> str:
    bounds = scores["intervals"].get(key)
    return f"{scores[key]:.3f}" + (f" [{bounds[0]:.2f}, {bounds[1]:.2f}]" if bounds else "")
