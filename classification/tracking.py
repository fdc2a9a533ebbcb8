"""What MLflow gets of a run: parameters, dataset, metrics, figures, files and the model.

Results are files first. A tracker reads the run folder and sends what MLflow does not have yet, so
a server that is down costs seconds and nothing else: the next call catches up. MLflow itself is
asked what it has. Its run is found by a tag with the key in ``mlflow.json`` beside the rounds, and
a round's metric ``round`` is sent last, so a sync killed at any point is simply done again: what
arrived twice is equal and stored once.
"""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from classification.config import TrackingConfig, flatten
from classification.files import read_json, write_json
from classification.paths import ExportPaths, RunPaths
from classification.settings import read_fields
from classification.tracking_metrics import round_metrics
from classification.tracking_store import (
    connect,
    experiment_id,
    masked,
    quiet,
    require_plugin,
    tracking_uri,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

_KEY_TAG = "fieldmark.key"
_ROUND = "round"  # the metric that says that a round was sent
_DIGEST = 32  # hex digits of a dataset hash that MLflow has room for


class Tracker(Protocol):
    """Where copies of the results go."""

    @property
    def where(self) -> str:
        """For a person: how to look at what was tracked; empty when tracking is off."""
        ...

    def sync(self, *, finished: bool = False) -> None:
        """Send every complete round that was not sent yet; `finished`: there will be no more."""
        ...

    def register(self, export: ExportPaths) -> None:
        """Register the exported model, once."""
        ...

    def log_totals(self, totals: dict[str, float]) -> None:
        """Record figures of the whole run, such as what its jobs cost."""
        ...


class NoTracker:
    """Tracking is off."""

    where = ""

    def sync(self, *, finished: bool = False) -> None:
        """Nothing to do."""

    def register(self, export: ExportPaths) -> None:
        """Nothing to do."""

    def log_totals(self, totals: dict[str, float]) -> None:
        """Nothing to do."""


def make_tracker(config: TrackingConfig, paths: RunPaths) -> Tracker:
    """The tracker that the configuration asks for; reads ``.env``.

    Raises:
        FieldmarkError: the address can never work here.
    """
    return MlflowTracker(config, paths) if config.enabled else NoTracker()


class MlflowTracker:
    """Sends the run folder to MLflow; never raises because MLflow does."""

    def __init__(self, config: TrackingConfig, paths: RunPaths) -> None:
        self._config, self._paths = config, paths
        self._uri = tracking_uri(paths)
        require_plugin(self._uri)

    @property
    def where(self) -> str:
        """The command or address that shows the runs."""
        import shlex

        if self._uri.startswith("sqlite:"):
            return f"mlflow ui --backend-store-uri {shlex.quote(self._uri)}"
        return masked(self._uri)

    def sync(self, *, finished: bool = False) -> None:
        """Send every complete round that was not sent yet; `finished` ends MLflow's run."""
        self._guarded(lambda: self._sync(finished=finished), what="the results")

    def register(self, export: ExportPaths) -> None:
        """Register the exported model as `challenger`, and as `champion` if it is better."""
        self._guarded(lambda: self._register(export), what="the model")

    def log_totals(self, totals: dict[str, float]) -> None:
        """Record figures of the whole run, such as what its jobs cost."""
        self._guarded(lambda: self._log_totals(totals), what="the totals")

    def _guarded(self, job: Callable[[], None], *, what: str) -> None:
        try:
            with quiet():
                job()
        except Exception as error:  # MLflow, its databases and artifact stores share no base class
            reason = masked(str(error)).strip().partition("\n")[0] or "no reason given"
            print(
                f"warning: MLflow at {masked(self._uri)} did not take {what} "
                f"({type(error).__name__}: {reason}). Nothing is lost: all is in "
                f"{self._paths.root}; run the same command again to send it."
            )

    def _sync(self, *, finished: bool) -> None:
        rounds = self._paths.complete_rounds()
        if not rounds:
            return
        client = connect(self._uri)
        run = self._run(client)
        run_id, status = run.info.run_id, run.info.status
        sent = {int(m.value) for m in client.get_metric_history(run_id, _ROUND)}
        new = [number for number in rounds if number not in sent]
        if new and status != "RUNNING":  # more rounds were asked for after the last one
            client.update_run(run_id, status="RUNNING")
        if new:
            self._send_figures(client, run_id)
        for number in new:
            self._send_round(client, run_id, number)
        if finished and (new or status != "FINISHED"):
            client.set_terminated(run_id)

    def _log_totals(self, totals: dict[str, float]) -> None:
        if self._paths.complete_rounds():
            client = connect(self._uri)
            run_id = self._run(client).info.run_id
            for key, value in totals.items():
                client.log_metric(run_id, key, value)

    def _run(self, client: "MlflowClient") -> "Run":
        """MLflow's run of this run folder, created unless this store has it."""
        path = self._paths.tracking
        state = read_json(path, what="key of the MLflow run") if path.exists() else {}
        if "key" not in state:
            state = {"key": uuid.uuid4().hex}
            write_json(path, state)
        experiment = experiment_id(client, self._config.experiment, self._paths)
        by_key = f"tags.`{_KEY_TAG}` = '{state['key']}'"
        found = client.search_runs([experiment], filter_string=by_key, max_results=1)
        run = found[0] if found else self._create_run(client, experiment, key=state["key"])
        write_json(path, {**state, "uri": masked(self._uri), "run_id": run.info.run_id})
        return run

    def _create_run(self, client: "MlflowClient", experiment: str, *, key: str) -> "Run":
        first, folder = self._paths.round(0), self._paths.root.resolve()
        hashes = read_json(first.metrics, what="metrics")["data"]
        commit = read_json(first.provenance, what="provenance").get("commit")
        tags = {_KEY_TAG: key, **{f"data.{name}": value for name, value in hashes.items()}}
        if commit:
            tags["mlflow.source.git.commit"] = commit
        return client.create_run(
            experiment, tags=tags, run_name=f"{folder.parent.name}/{folder.name}"
        )

    def _send_round(self, client: "MlflowClient", run_id: str, number: int) -> None:
        """Parameters with the first round; files; metrics with the number of labels as step."""
        from mlflow.entities import Metric, Param

        paths = self._paths.round(number)
        record = read_json(paths.metrics, what="metrics")
        if number == 0:
            values = flatten(read_fields(paths.config))
            client.log_inputs(run_id, datasets=[dataset_input(values["data.dir"], record["data"])])
            client.log_batch(run_id, params=[Param(k, str(v)) for k, v in values.items()])
        for path in (paths.config, paths.provenance, paths.metrics):
            client.log_artifact(run_id, str(path), f"{paths.root.parent.name}/{paths.root.name}")
        when, step = int(paths.metrics.stat().st_mtime * 1000), record["num_labels"]
        metrics = [Metric(key, value, when, step) for key, value in round_metrics(record).items()]
        client.log_batch(run_id, metrics=metrics)
        client.log_batch(run_id, metrics=[Metric(_ROUND, number, when, step)])

    def _send_figures(self, client: "MlflowClient", run_id: str) -> None:
        from classification import figures
        from classification.evaluate import Evaluation

        records = [
            read_json(self._paths.round(n).metrics, what="metrics")
            for n in self._paths.complete_rounds()
        ]
        scored = [record for record in records if record["test"]]
        if scored:
            last = Evaluation.from_json(scored[-1]["test"])
            matrix = figures.confusion_matrix(last.confusion, last.classes)
            client.log_figure(run_id, figures.learning_curve(scored), "learning_curve.png")
            client.log_figure(run_id, matrix, "confusion_matrix.png")

    def _register(self, export: ExportPaths) -> None:
        from classification.versions.record import version_record
        from classification.versions.register import register_version

        client = connect(self._uri)
        card = read_json(export.card, what="model card")
        name = self._config.register_as or self._paths.model_name
        record = version_record(self._paths, card, name=name, licence=self._config.licence)
        run = self._run(client)
        page = self._paths.model_card
        verdict = register_version(
            client, name=name, run=run, export=export, record=record, page=page
        )
        if verdict:
            print(verdict)


def dataset_input(folder: str, hashes: dict[str, str]) -> "DatasetInput":
    """The dataset of a run as MLflow lists it; its digest is that of the table."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=Path(folder).name,
        digest=hashes["table"][:_DIGEST],
        source_type="local",
        source=json.dumps({"uri": folder}),
        profile=json.dumps(hashes),
    )
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "training")])
