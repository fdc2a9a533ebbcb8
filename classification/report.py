"""One page that says how a run went: ``report.html``, complete in itself.

Everything is read from the run folder, so that a report can be made again later and elsewhere.
Figures and thumbnails are inside the file; it fetches nothing and runs no script.
"""

from pathlib import Path
from typing import Any

from classification import figures
from classification.evaluation import sections
from classification.evaluation.calibration import reliability
from classification.evaluation.embed import picture, tiles
from classification.evaluation.record import RunRecord, read_run
from classification.files import write_text
from classification.paths import RunPaths

_SHOWN = 12  # thumbnails per section: 10 kB each


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
    write_text(run.report, _render(_context(record, crops_dir)))
    return run.report


def _render(context: dict[str, Any]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _percent,
        "interval": _interval,
        "duration": _duration,
    }
    return environment.get_template("report.html.jinja").render(context)


def _context(record: RunRecord, crops_dir: Path | None) -> dict[str, Any]:
    last = record.rounds[-1]
    return {
        "name": record.name,
        "last": last,
        "head": sections.headline(record.rounds),
        "rounds": sections.round_rows(record.rounds),
        "query_round": record.query_round,
        "num_queries": 0 if record.query is None else len(record.query),
        "provenance": list(sections.flatten({"data": last.get("data") or {}} | record.provenance)),
        "model": list(sections.flatten(record.model)),
        "config": record.config,
        "crops_given": crops_dir is not None,
        **_score_context(record),
        **_item_context(record, crops_dir),
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
    """Tiles and calibration, from the tables of the last round that has them."""
    context: dict[str, Any] = {"mistakes": [], "unsure": [], "queries": []}
    context |= {"reliability": None, "acceptance": []}
    if record.query is not None:
        first = record.query.sort_values("rank").head(_SHOWN)
        context["queries"] = tiles(first, crops_dir, title="suggestion")
    head = sections.headline(record.rounds)
    if record.predictions is None or head is None:
        return context
    items = sections.labelled(record.predictions, head.split)
    if items.empty:
        return context
    right = (items["label"] == items["prediction"]).to_numpy(bool)
    bins = reliability(items["confidence"].to_numpy(float), right)
    mistakes = sections.confident_mistakes(items, limit=_SHOWN)
    unsure = sections.least_confident(items, limit=_SHOWN)
    return context | {
        "mistakes": tiles(mistakes, crops_dir, title="prediction"),
        "unsure": tiles(unsure, crops_dir, title="prediction"),
        "acceptance": sections.acceptance_rows(record.predictions),
        "reliability": picture(
            lambda theme: figures.reliability_diagram(bins, theme=theme),
            alt="Accuracy against confidence",
        ),
    }


def _percent(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:.{digits}%}"


def _interval(bounds: list[float] | None) -> str:
    return "" if bounds is None else f"{100 * bounds[0]:.0f}–{100 * bounds[1]:.0f}%"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
