"""One page that says how a run went: ``report.html``, complete in itself.

Everything is read from the run folder, so that a report can be made again later and elsewhere.
Figures and thumbnails are inside the file; it fetches nothing and runs no script.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classification import figures
from classification.evaluation import sections
from classification.evaluation.calibration import reliability, untempered
from classification.evaluation.embed import picture, tiles
from classification.evaluation.expected_gain import scored_rounds
from classification.evaluation.page import render
from classification.evaluation.record import RunRecord, read_run
from classification.evaluation.trust import known_probs, labelled, trust
from classification.files import write_text
from classification.paths import RunPaths

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 12  # thumbnails per section: 10 kB each
_SEED = 0  # of the bootstrap: a report made again is the same


def write_report(run_dir: Path, *, crops_dir: Path | None = None) -> Path:
    """Write ``report.html`` of a run and return its path.

    Args:
        run_dir: run folder with at least one completed round.
        crops_dir: folder that the paths in the run's tables are relative to; without it, or where
            a crop is missing, the page shows a named blank in place of the thumbnail.

    Raises:
        FieldmarkError: no round is complete, or a file is damaged.
    """
    run = RunPaths(run_dir)
    record = read_run(run_dir)
    write_text(run.report, render("report.html.jinja", _context(record, crops_dir)))
    return run.report


def _context(record: RunRecord, crops_dir: Path | None) -> dict[str, Any]:
    last = record.rounds[-1]
    return {
        "name": record.name,
        "last": last,
        "head": sections.headline(record.rounds),
        "rounds": sections.round_rows(record.rounds),
        "tests": len(
            {(r.get("data") or {}).get("test_split") for r in record.rounds if r.get("test")}
        ),
        "query_round": record.query_round,
        "num_queries": 0 if record.query is None else len(record.query),
        "provenance": list(sections.flatten({"data": last.get("data") or {}} | record.provenance)),
        "model": list(sections.flatten(record.model)),
        "config": record.config,
        "crops_given": crops_dir is not None,
        **_score_context(record),
        **_item_context(record, crops_dir),
        **_trust_context(record),
    }


def _score_context(record: RunRecord) -> dict[str, Any]:
    """Figures and rows of the last scored round; all empty while nothing has been learned."""
    head = sections.headline(record.rounds)
    context: dict[str, Any] = {"curve": None, "confusion": None, "locations": None}
    context |= {"class_rows": [], "worst": [], "queried": None}
    if record.train is not None and len(record.train):
        queried = sections.queried_labels(record.train)
        context["queried"] = picture(
            lambda theme: figures.queried_classes(queried, theme=theme),
            alt="Labels by class, stacked, for each round that asked for them",
        )
    if head is None:
        return context
    counts = next(r for r in record.rounds if r["round"] == head.round).get("train_counts") or {}
    return context | {
        "curve": picture(
            lambda theme: figures.learning_curve(record.rounds, theme=theme),
            alt="Accuracy and macro-F1 against the number of labels, on validation and test",
        ),
        "confusion": picture(
            lambda theme: figures.confusion_matrix(
                head.scores.confusion, head.scores.classes, theme=theme
            ),
            alt=f"Confusion matrix on {head.split}",
        ),
        "locations": picture(
            lambda theme: figures.per_location(head.scores, theme=theme),
            alt="Accuracy of each location, worst first",
        ),
        "class_rows": sections.class_rows(head.scores, counts),
        "worst": sections.worst_locations(head.scores),
    }


def _item_context(record: RunRecord, crops_dir: Path | None) -> dict[str, Any]:
    """Tiles from the tables of the last round that has them."""
    context: dict[str, Any] = {"mistakes": [], "unsure": [], "queries": []}
    if record.query is not None:
        first = record.query.sort_values("rank").head(_SHOWN)
        context["queries"] = tiles(first, crops_dir, title="suggestion")
    head = sections.headline(record.rounds)
    if record.predictions is None or head is None:
        return context
    items = labelled(record.predictions, head.split)
    if items.empty:
        return context
    mistakes = sections.confident_mistakes(items, limit=_SHOWN)
    unsure = sections.least_confident(items, limit=_SHOWN)
    return context | {
        "mistakes": tiles(mistakes, crops_dir, title="prediction"),
        "unsure": tiles(unsure, crops_dir, title="prediction"),
    }


def _trust_context(record: RunRecord) -> dict[str, Any]:
    """Calibration, what could be accepted unseen, the audit slice, suspects, the next batch."""
    judged = trust(record, rng=np.random.default_rng(_SEED))
    head = sections.headline(record.rounds)
    context: dict[str, Any] = {"trust": judged, "reliability": None, "ranking": None, "ahead": None}
    if head is None:
        return context
    if judged.gains:
        labels, scores = scored_rounds(record.rounds, split=judged.gain_split, score="accuracy")
        context["ahead"] = picture(
            lambda theme: figures.expected_curve(
                labels, scores, batch=judged.gains[0].batch,
                name=f"accuracy on {judged.gain_split}", theme=theme,
            ),
            alt="Accuracy so far and what four more batches are expected to add",
        )  # fmt: skip
    items = labelled(record.predictions, head.split)
    probs, truth = known_probs(items)
    if not len(truth):
        return context
    classes = record.rounds[-1]["classes"]
    return context | {
        "reliability": picture(
            lambda theme: _reliability(probs, truth, record, theme),
            alt="Accuracy against confidence",
        ),
        "ranking": picture(
            lambda theme: figures.precision_recall(truth, probs, classes, theme=theme),
            alt="Precision against recall of each class",
        ),
    }


def _reliability(
    probs: NDArray[np.float64], truth: NDArray[np.int64], record: RunRecord, theme: figures.Theme
) -> "Figure":
    temperature = float(record.model.get("temperature", 1.0))
    hits = probs.argmax(axis=1) == truth
    bins = [reliability(p.max(axis=1), hits) for p in (probs, untempered(probs, temperature))]
    before = bins[1] if temperature != 1 else None
    return figures.reliability_diagram(bins[0], before=before, theme=theme)
