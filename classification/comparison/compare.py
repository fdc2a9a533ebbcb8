"""Play a comparison and say what it shows."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.comparison.build import make_entrants, make_protocol, make_tasks
from classification.comparison.class_gains import class_gains
from classification.comparison.grid import play_grid
from classification.comparison.latex import latex_table
from classification.comparison.report import read_results, write_comparison_report
from classification.comparison.statistics import caveats, summary, win_matrix
from classification.comparison.task import Task, split_task
from classification.config_compare import CompareConfig, compare_problems
from classification.errors import refuse
from classification.files import atomic_open, write_json, write_text
from classification.paths import ComparisonPaths

if TYPE_CHECKING:
    import pandas as pd


def compare(config: CompareConfig) -> "pd.DataFrame":
    """Play what is missing, write tables, summary and report, print what they say.

    Returns:
        The results, as `ResultTable`.

    Raises:
        FieldmarkError: all faults of the configuration; results in the folder that rest on
            something else.
    """
    refuse("the comparison cannot begin:", compare_problems(config))
    entrants = make_entrants(config.strategies, per_group=config.per_group)
    paths = ComparisonPaths(config.output)
    tasks = make_tasks(config, paths)
    for note in pool_notes(config, tasks):
        print(f"note: {note}")
    results = play_grid(
        tasks,
        entrants,
        protocols={task.title: make_protocol(config) for task in tasks},
        seeds=range(config.first_seed, config.first_seed + config.seeds),
        paths=paths,
        processes=processes(config),
        tensorboard=config.tensorboard,
    )
    write_json(paths.details, details(config, {t.title: list(t.classes) for t in tasks}))
    if config.mlflow:
        from classification.comparison.mlflow_copy import send

        send(results, paths, params=details(config, {})["options"])
    conclude(paths, score=config.score, target=config.target or None)
    return results


def pool_notes(config: CompareConfig, tasks: Sequence[Task]) -> list[str]:
    """Datasets whose pool is labelled whole before the last round, in sentences.

    Raises:
        FieldmarkError: the first labels are the whole pool already: there is nothing to choose.
    """
    notes, faults = [], []
    for task in tasks:
        pool = len(split_task(task, config.first_seed).train)
        start = config.start_per_class * len(task.classes) or config.start
        if not config.start_per_class and start >= pool:
            faults.append(f"start: {start} labels are the whole pool of {task.title}, {pool} items")
        elif start + config.batch * config.rounds > pool:
            notes.append(
                f"{task.title}: its pool of {pool} items is labelled before the last round; there "
                "all strategies are alike"
            )
    refuse("the comparison cannot begin:", faults)
    return notes


def details(config: CompareConfig, classes: dict[str, list[str]]) -> dict[str, Any]:
    """The record beside the results: what was asked for, and the classes of each task."""
    plain = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(config).items()}
    return {"options": plain, "classes": classes}


def processes(config: CompareConfig) -> int:
    """Curves at the same time: 0, which is this process alone, where one would be all."""
    if config.processes:
        return config.processes
    if config.training == "end_to_end":
        import torch

        if torch.cuda.is_available():
            return 0
    cores = os.cpu_count() or 1
    return cores if cores > 1 else 0


def conclude(paths: ComparisonPaths, *, score: str, target: float | None) -> None:
    """Write summary (also for LaTeX), win matrix, gains by class and report of the results in a
    folder, and print them with what must be said beside them.

    Raises:
        FieldmarkError: no results.
    """
    import pandas as pd

    results, recall = read_results(paths)
    table = summary(results, score=score, target=target)
    wins = win_matrix(results, score=score)
    seeds = int(results.groupby("task")["seed"].nunique().min())
    _write_csv(paths.summary, table)
    _write_csv(paths.wins, wins, index=True)
    write_text(paths.latex, latex_table(table, score=score, seeds=seeds))
    if recall is not None:
        _write_csv(paths.class_gains, class_gains(recall))
    with pd.option_context("display.width", 200, "display.max_columns", 20):
        for task, part in table.groupby("task", sort=False):
            lines = part.drop(columns="task").to_string(index=False, float_format="%.3f")
            print(f"\n{task}: {score}\n{lines}")
        print(f"\nDatasets on which the row is significantly better than the column:\n{wins}")
    for sentence in caveats(results):
        print(f"\nnote: {sentence}")
    print(f"\n{paths.results}\n{write_comparison_report(paths.root, score=score, target=target)}")


def _write_csv(path: Path, table: "pd.DataFrame", *, index: bool = False) -> None:
    with atomic_open(path) as f:
        table.to_csv(f, index=index, lineterminator="\n")
