"""One page that says what a comparison showed: ``report.html``, complete in itself.

Made from the tables in the folder, for people without Jupyter; `notebooks/compare_strategies.ipynb`
calls the same functions.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classification.comparison import result_figures
from classification.comparison.class_gains import class_gains
from classification.comparison.paired import SIGNIFICANT, seeds_needed
from classification.comparison.places import dataset_tables, strategy_places
from classification.comparison.savings import labels_saved
from classification.comparison.statistics import by_model, caveats, summary, win_matrix
from classification.errors import FieldmarkError
from classification.evaluation import query_figures
from classification.evaluation.embed import Picture, picture
from classification.evaluation.page import render
from classification.files import write_text
from classification.paths import ComparisonPaths
from classification.schemas import RecallTable, ResultTable, check

if TYPE_CHECKING:
    import pandas as pd

_SEED = 0  # of the bootstrap: a report made again is the same


def write_comparison_report(
    folder: Path, *, score: str = "macro_f1", baseline: str = "random", target: float | None = None
) -> Path:
    """Write ``report.html`` of a comparison and return its path.

    Args:
        folder: with ``results.parquet`` and, for the classes, ``recall.parquet``.
        score: what areas, gains and wins are about.
        baseline: strategy that gains are measured against.
        target: score to count labels to; None: the baseline's in the last round.

    Raises:
        FieldmarkError: no results, or the baseline is not among them.
    """
    paths = ComparisonPaths(folder)
    results, recall = read_results(paths)
    context = _context(results, recall, score=score, baseline=baseline, target=target)
    tables = dataset_tables(paths)
    for task in context["tasks"]:
        task["places"] = _places(folder, results, tables, task["name"], baseline=baseline)
    write_text(
        paths.report,
        render("comparison/report.html.jinja", context | {"name": folder.resolve().name}),
    )
    return paths.report


def read_results(paths: ComparisonPaths) -> "tuple[pd.DataFrame, pd.DataFrame | None]":
    """The tables of a comparison, models in the names of the tasks where there are several.

    Returns:
        `ResultTable`, and `RecallTable` or None where there is none.

    Raises:
        FieldmarkError: no results.
    """
    import pandas as pd

    if not paths.results.exists():
        raise FieldmarkError(
            f"no results of a comparison: {paths.results}. Play one with classification/compare.py"
        )
    results = check(pd.read_parquet(paths.results), ResultTable, what=str(paths.results))
    if not paths.recall.exists():
        return by_model(results), None
    recall = check(pd.read_parquet(paths.recall), RecallTable, what=str(paths.recall))
    return by_model(results), by_model(recall)


def queried_counts(recall: "pd.DataFrame", *, task: str) -> dict[str, dict[str, float]]:
    """Labels by class that each strategy had in the last round, all seeds together."""
    part = recall[recall["task"] == task]
    last = part[part["round"] == part["round"].max()]
    counts = last.groupby(["strategy", "label"])["queried"].sum()
    return {
        str(name): {str(label): float(n) for (_, label), n in rows.items()}  # type: ignore[misc]
        for name, rows in counts.groupby(level="strategy")
    }


def class_rows(gains: "pd.DataFrame", *, strategies: Sequence[str]) -> list[dict[str, Any]]:
    """A row per class of one dataset, with the cells of these strategies; None where untold.

    Args:
        gains: as `class_gains`, of one task.
        strategies: the order of the cells.
    """
    cells = {(row["label"], row["strategy"]): row for row in gains.to_dict("records")}
    return [
        {"label": label, "cells": [cells.get((label, name)) for name in strategies]}
        for label in dict.fromkeys(gains["label"])
    ]


def verdicts(table: "pd.DataFrame", *, baseline: str) -> list[dict[str, Any]]:
    """One row per strategy: mean gain, and on how many datasets it is surely better or worse.

    Args:
        table: as `statistics.summary`.
        baseline: left out.
    """
    rows = []
    for name, part in table[table["strategy"] != baseline].groupby("strategy"):
        sure = part["p"] < SIGNIFICANT
        rows.append(
            {
                "strategy": str(name),
                "gain": float(part["gain"].mean()),
                "tasks": len(part),
                "better": int((sure & (part["gain"] > 0)).sum()),
                "worse": int((sure & (part["gain"] < 0)).sum()),
            }
        )
    return sorted(rows, key=lambda row: -row["gain"])


def _context(
    results: "pd.DataFrame",
    recall: "pd.DataFrame | None",
    *,
    score: str,
    baseline: str,
    target: float | None,
) -> dict[str, Any]:
    table = summary(results, baseline=baseline, score=score, target=target)
    saved = labels_saved(results, rng=np.random.default_rng(_SEED), score=score, baseline=baseline)
    wins = win_matrix(results, score=score)
    tasks = list(dict.fromkeys(results["task"]))
    return {
        "score": result_figures.score_name(score),
        "baseline": baseline,
        "significant": SIGNIFICANT,
        "target": target,
        "verdicts": verdicts(table, baseline=baseline),
        "seeds": int(results.groupby("task")["seed"].nunique().min()),
        "notes": caveats(results),
        "gains": picture(
            lambda theme: result_figures.area_gains(
                table, baseline=baseline, score=score, theme=theme
            ),
            alt="Gain in area under the curve of every strategy on every dataset",
        ),
        "savings": picture(
            lambda theme: result_figures.savings(saved, theme=theme),
            alt="Share of labels saved by every strategy on every dataset",
        ),
        "wins": picture(
            lambda theme: result_figures.wins(wins, tasks=len(tasks), theme=theme),
            alt="On how many datasets a strategy is better than another",
        )
        if wins.to_numpy().any()
        else None,
        "tasks": [
            _task(task, results, recall, table, score=score, baseline=baseline) for task in tasks
        ],
    }


def _places(
    folder: Path,
    results: "pd.DataFrame",
    tables: "Mapping[str, pd.DataFrame]",
    task: str,
    *,
    baseline: str,
) -> Picture | None:
    """Cameras and bursts that were asked for; None where the dataset does not tell."""
    if task not in tables:
        return None
    places = strategy_places(folder, results, tables[task], task=task)
    if places.empty:
        return None
    return picture(
        lambda theme: query_figures.query_places(places, reference=baseline, theme=theme),
        alt=f"Locations and bursts asked for on {task}",
    )


def _task(
    task: str,
    results: "pd.DataFrame",
    recall: "pd.DataFrame | None",
    table: "pd.DataFrame",
    *,
    score: str,
    baseline: str,
) -> dict[str, Any]:
    """Rows and pictures of one dataset."""
    rows = table[table["task"] == task].to_dict("records")
    found = queried_counts(recall, task=task) if recall is not None else {}
    counts = {row["strategy"]: found[row["strategy"]] for row in rows if row["strategy"] in found}
    shares: Picture | None = None
    if counts:
        shares = picture(
            lambda theme: query_figures.queried_shares(counts, reference=baseline, theme=theme),
            alt=f"Classes asked for on {task}",
        )
    return {
        "name": task,
        "rows": rows,
        **({"classes": []} if recall is None else _classes(task, recall, rows, baseline=baseline)),
        "labels": int(results.loc[results["task"] == task, "num_labels"].max()),
        "curves": picture(
            lambda theme: result_figures.strategy_curves(
                results, table, task=task, score=score, baseline=baseline, theme=theme
            ),
            alt=f"Learning curves of every strategy on {task}",
        ),
        "shares": shares,
    }


def _classes(
    task: str, recall: "pd.DataFrame", rows: Sequence[Mapping[Any, Any]], *, baseline: str
) -> dict[str, Any]:
    """Rows of the table of classes, and the seeds below which none can be significant."""
    gains = class_gains(recall[recall["task"] == task], baseline=baseline)
    return {
        "classes": class_rows(gains, strategies=[row["strategy"] for row in rows]),
        "class_seeds": seeds_needed(int(gains["p"].notna().sum())),
    }
