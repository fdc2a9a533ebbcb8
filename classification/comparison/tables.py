"""What a comparison came to, on the terminal: trainings repeated, and classes by round."""

from typing import TYPE_CHECKING, Any

import numpy as np

from classification.comparison.options import ComparisonRunOptions
from classification.errors import FieldmarkError
from classification.files import atomic_open
from classification.paths import ComparisonPaths

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


def print_validation_stats(options: ComparisonRunOptions) -> None:
    """Print `validation_stats` of a comparison.

    Raises:
        FieldmarkError: no record of validation runs.
    """
    from classification.comparison.plotter import read_validation

    record = read_validation(ComparisonPaths(options.folder).validation)
    print(validation_stats(record).to_string(index=False, float_format="%.4f"))


def validation_stats(record: "Mapping[str, Any]") -> "pd.DataFrame":
    """How high each strategy's labels take a training, and how much of it is luck.

    Columns: strategy, trainings (of the newest round), top_mean (mean test accuracy at the epoch
    where it is highest), epoch (that one), top_1 (highest accuracy of any training at any epoch),
    variance (over trainings, at that epoch; NaN for one). Highest mean first. An accuracy at the
    best epoch of a test is a bit optimistic, for all strategies alike.

    Args:
        record: ``val-results.json``.
    """
    import pandas as pd

    newest: dict[str, int] = {}
    for run in record["runs"]:
        newest[run["strategy"]] = max(run["round"], newest.get(run["strategy"], 0))
    rows = []
    for name, last in newest.items():
        logs = [
            {entry["epoch"]: entry["test_accuracy"] for entry in run["epochs"]}
            for run in record["runs"]
            if run["strategy"] == name and run["round"] == last and run["epochs"]
        ]
        if not logs:
            continue
        curves = pd.DataFrame(logs)  # epochs that a training did not reach are NaN
        whole = curves.loc[:, curves.notna().all()]
        means = (whole if whole.shape[1] else curves).mean()
        best = means.idxmax()
        rows.append(
            {
                "strategy": name,
                "trainings": len(logs),
                "top_mean": means.max(),
                "epoch": best,
                "top_1": np.nanmax(curves.to_numpy()),
                "variance": curves[best].var(),
            }
        )
    columns = ["strategy", "trainings", "top_mean", "epoch", "top_1", "variance"]
    return pd.DataFrame(rows, columns=columns).sort_values(
        "top_mean", ascending=False, ignore_index=True
    )


def print_results(options: ComparisonRunOptions) -> None:
    """Print the best scores by round and class, write the table and draw it.

    Raises:
        FieldmarkError: the comparison has no tables.
    """
    from classification.comparison.report import read_results
    from classification.comparison.validation_figures import class_recall
    from classification.evaluation.render import save

    paths = ComparisonPaths(options.folder)
    results, recall = read_results(paths)
    if recall is None:
        raise FieldmarkError(f"no recall of classes: {paths.recall}; run compare.py again")
    classes = best_by_class(recall)
    for task, part in results.groupby("task", sort=False):
        print(f"\n{task}: best accuracy by round")
        print(best_by_round(part).to_string(float_format="%.3f"))
        for name, table in classes[classes["task"] == task].groupby("strategy", sort=False):
            print(f"\n{task}, {name}: best recall by class and round")
            shown = table.pivot_table(index="label", columns="round", values="recall", sort=False)
            print(shown.to_string(float_format="%.3f"))
        figure = paths.figure(f"recall_{task}")
        save(class_recall(recall, task=str(task)), figure)
        print(f"\n{figure}")
    with atomic_open(paths.best) as f:
        classes.to_csv(f, index=False, lineterminator="\n")
    print(paths.best)


def best_by_round(results: "pd.DataFrame") -> "pd.DataFrame":
    """Highest accuracy of any seed: a row per strategy, a column per number of labels."""
    return results.pivot_table(
        index="strategy", columns="num_labels", values="accuracy", aggfunc="max", sort=False
    )


def best_by_class(recall: "pd.DataFrame") -> "pd.DataFrame":
    """Highest recall of any seed: task, strategy, label, round, recall; NaN where none is known."""
    keys = ["task", "strategy", "label", "round"]
    return recall.groupby(keys, sort=False)["recall"].max().reset_index()
