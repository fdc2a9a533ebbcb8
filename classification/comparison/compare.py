"""Play a comparison and say what it shows."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.comparison.build import make_entrants, make_protocol, make_tasks
from classification.comparison.grid import play_grid
from classification.comparison.report import write_comparison_report
from classification.comparison.statistics import by_model, caveats, summary, win_matrix
from classification.config_compare import CompareConfig, compare_problems
from classification.errors import FieldmarkError
from classification.files import atomic_open, write_json
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
    if faults := compare_problems(config):
        raise FieldmarkError.from_problems("the comparison cannot begin:", faults)
    entrants = make_entrants(config.strategies, per_group=config.per_group)
    paths = ComparisonPaths(config.output)
    tasks = make_tasks(config, paths)
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
    conclude(results, paths, score=config.score, target=config.target or None)
    return results


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


def conclude(
    results: "pd.DataFrame", paths: ComparisonPaths, *, score: str, target: float | None
) -> None:
    """Write summary, win matrix and report of the results in a folder, and print them with what
    must be said beside them."""
    import pandas as pd

    problems = by_model(results)
    table = summary(problems, score=score, target=target)
    wins = win_matrix(problems, score=score)
    with atomic_open(paths.summary) as f:
        table.to_csv(f, index=False, lineterminator="\n")
    with atomic_open(paths.wins) as f:
        wins.to_csv(f, lineterminator="\n")
    with pd.option_context("display.width", 200, "display.max_columns", 20):
        for task, part in table.groupby("task", sort=False):
            lines = part.drop(columns="task").to_string(index=False, float_format="%.3f")
            print(f"\n{task}: {score}\n{lines}")
        print(f"\nDatasets on which the row is significantly better than the column:\n{wins}")
    for sentence in caveats(results):
        print(f"\nnote: {sentence}")
    print(f"\n{paths.results}\n{write_comparison_report(paths.root, score=score)}")
