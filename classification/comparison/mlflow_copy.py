"""A copy of a comparison's scores for MLflow: a run per curve, a metric value per round."""

import time
from typing import TYPE_CHECKING, Any

from classification.files import sha256_lines
from classification.paths import ComparisonPaths, RunPaths
from classification.tracking_store import connect, experiment_id, masked, quiet, tracking_uri

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

EXPERIMENT = "fieldmark-comparison"
_KEY_TAG = "fieldmark.curve"
_SCORES = ("accuracy", "macro_f1", "balanced_accuracy", "seconds", "training_seconds")
_LONGEST = 500  # characters of a parameter


def send(results: "pd.DataFrame", paths: ComparisonPaths, *, params: dict[str, Any]) -> None:
    """Send what MLflow does not have yet; a store that is down costs a line and nothing else.

    Args:
        results: as `ResultTable`.
        paths: of the comparison.
        params: recorded with every curve.
    """
    place = RunPaths(paths.root)
    uri = tracking_uri(place)
    try:
        with quiet():
            client = connect(uri)
            experiment = experiment_id(client, EXPERIMENT, place)
            for name, curve in results.groupby(["task", "model", "strategy", "seed"]):
                _send_curve(client, experiment, name, curve, paths, params)
    except Exception as error:  # MLflow, its databases and artifact stores share no base class
        reason = masked(str(error)).strip().partition("\n")[0] or "no reason given"
        print(
            f"warning: MLflow at {masked(uri)} did not take the results ({type(error).__name__}: "
            f"{reason}). Nothing is lost: all is in {paths.root}; run the same command again."
        )


def _send_curve(
    client: "MlflowClient",
    experiment: str,
    name: Any,
    curve: "pd.DataFrame",
    paths: ComparisonPaths,
    params: dict[str, Any],
) -> None:
    """Rounds that the run of this curve lacks; its run is found by a tag."""
    from mlflow.entities import Metric, Param

    task, model, strategy, seed = name
    key = sha256_lines([str(paths.root.resolve()), *map(str, name)])[:16]
    found = client.search_runs([experiment], f"tags.`{_KEY_TAG}` = '{key}'", max_results=1)
    if not found:
        run = client.create_run(
            experiment, tags={_KEY_TAG: key}, run_name=f"{task} {model} {strategy} {seed}"
        )
        own = {"task": task, "model": model, "strategy": strategy, "seed": seed}
        logged = {k: str(v)[:_LONGEST] for k, v in (params | own).items()}
        client.log_batch(run.info.run_id, params=[Param(k, v) for k, v in logged.items()])
    else:
        run = found[0]
    run_id, now = run.info.run_id, int(time.time() * 1000)
    sent = {int(m.value) for m in client.get_metric_history(run_id, "round")}
    metrics = [
        Metric(column, float(row[column]), now, int(row["num_labels"]))
        for _, row in curve[~curve["round"].isin(list(sent))].iterrows()
        for column in (*_SCORES, "round")
        if row[column] == row[column]  # not NaN
    ]
    if metrics:
        client.log_batch(run_id, metrics=metrics)
        client.set_terminated(run_id)
