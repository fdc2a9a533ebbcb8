"""Every MLflow call: runs, figures, the model registry and its aliases.

Results are files first. A tracker reads the run folder and sends what MLflow does not have yet, so
a server that is down costs nothing but time: the next call catches up. What has been sent is
remembered in ``mlflow.json`` beside the rounds.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from classification.config import TrackingConfig, flatten
from classification.errors import FieldmarkError
from classification.files import read_json, write_json
from classification.paths import ExportPaths, RunPaths
from classification.settings import read_yaml

if TYPE_CHECKING:
    from mlflow import MlflowClient

SCORES = ("accuracy", "macro_f1", "balanced_accuracy", "ece", "log_loss")
_PARAM_LIMIT = 6_000  # characters MLflow keeps of a parameter
# A server that is down must not hold up a round for MLflow's default of seven slow retries.
_HTTP = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


class Tracker(Protocol):
    """Where copies of the results go."""

    @property
    def where(self) -> str:
        """For a person: how to look at what was tracked; empty if nothing was."""
        ...

    def sync(self) -> None:
        """Send every complete round that was not sent yet."""
        ...

    def register(self, export: ExportPaths) -> None:
        """Register the exported model, once."""
        ...


class NoTracker:
    """Tracking is off."""

    where = ""

    def sync(self) -> None:
        """Nothing to do."""

    def register(self, export: ExportPaths) -> None:
        """Nothing to do."""


def make_tracker(config: TrackingConfig, paths: RunPaths) -> Tracker:
    """The tracker that the configuration asks for; reads ``.env``."""
    return MlflowTracker(config, paths) if config.enabled else NoTracker()


def tracking_uri(paths: RunPaths) -> str:
    """``MLFLOW_TRACKING_URI`` from the environment or ``.env``; SQLite in ``runs/`` otherwise."""
    from dotenv import find_dotenv, load_dotenv

    load_dotenv(find_dotenv(usecwd=True))
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{paths.tracking_db.resolve()}"


class MlflowTracker:
    """Sends the run folder to MLflow; never raises because MLflow cannot be reached."""

    def __init__(self, config: TrackingConfig, paths: RunPaths) -> None:
        self._config, self._paths = config, paths
        self._uri = tracking_uri(paths)
        self._client: MlflowClient | None = None

    @property
    def where(self) -> str:
        """The command or address that shows the runs."""
        if self._uri.startswith("http"):
            return self._uri
        return f"mlflow ui --backend-store-uri {self._uri}"

    def sync(self) -> None:
        """Send every complete round that was not sent yet."""
        self._guarded(self._sync)

    def register(self, export: ExportPaths) -> None:
        """Register the exported model as `challenger`, and as `champion` if it is better."""
        self._guarded(lambda: self._register(export))

    def _guarded(self, job: Any) -> None:
        import requests
        import sqlalchemy.exc
        from mlflow.exceptions import MlflowException

        try:
            job()
        except (
            MlflowException,
            requests.RequestException,
            sqlalchemy.exc.SQLAlchemyError,
            OSError,
        ) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            print(
                f"warning: MLflow at {self._uri} did not take the results ({reason}). They are "
                f"safe in {self._paths.root}; run the same command again to send them."
            )

    def _sync(self) -> None:
        state = self._state()
        if not state:
            state = {"uri": self._uri, "run_id": self._start_run(), "rounds": []}
            write_json(self._paths.tracking, state)
        new = [n for n in self._paths.complete_rounds() if n not in state["rounds"]]
        for number in new:
            self._send_round(state["run_id"], number)
            state["rounds"].append(number)
            write_json(self._paths.tracking, state)
        if new:
            self._send_figures(state["run_id"])

    def _state(self) -> dict[str, Any]:
        """What was sent to this server; a new server starts from nothing."""
        if not self._paths.tracking.exists():
            return {}
        state = read_json(self._paths.tracking, what="record of what MLflow has")
        return state if state.get("uri") == self._uri else {}

    def _connect(self) -> "MlflowClient":
        if self._client is None:
            self._client = connect(self._uri, self._paths)
        return self._client

    def _start_run(self) -> str:
        client = self._connect()
        experiment = experiment_id(client, self._config.experiment, self._uri, self._paths)
        name = f"{self._paths.root.parent.name}/{self._paths.root.name}"
        run = client.create_run(experiment, run_name=name)
        first = self._paths.round(0)
        for key, value in flatten(read_yaml(first.config)).items():
            client.log_param(run.info.run_id, key, str(value)[:_PARAM_LIMIT])
        for key, value in read_json(first.metrics, what="metrics")["data"].items():
            client.set_tag(run.info.run_id, f"data.{key}", value)
        return run.info.run_id

    def _send_round(self, run_id: str, number: int) -> None:
        """Metrics of a round, with the number of labels as step."""
        from mlflow.entities import Metric

        record = read_json(self._paths.round(number).metrics, what="metrics")
        now = int(self._paths.round(number).metrics.stat().st_mtime * 1000)
        metrics = [
            Metric(key, value, now, record["num_labels"])
            for key, value in round_metrics(record).items()
        ]
        self._connect().log_batch(run_id, metrics=metrics)

    def _send_figures(self, run_id: str) -> None:
        from classification import figures
        from classification.evaluate import Evaluation

        records = [
            read_json(self._paths.round(n).metrics, what="metrics")
            for n in self._paths.complete_rounds()
        ]
        scored = [r for r in records if r["test"]]
        if scored:
            client, last = self._connect(), Evaluation.from_json(scored[-1]["test"])
            client.log_figure(run_id, figures.learning_curve(scored), "learning_curve.png")
            client.log_figure(
                run_id,
                figures.confusion_matrix(last.confusion, last.classes),
                "confusion_matrix.png",
            )

    def _register(self, export: ExportPaths) -> None:
        from classification.registry import register_version

        state = self._state()
        card = read_json(export.card, what="model card")
        if not state or state.get("registered") == card["round"]:
            return
        name = self._config.register_as or self._paths.model_name
        test = read_json(self._paths.round(card["round"]).metrics, what="metrics")["test"]
        verdict = register_version(
            self._connect(), name=name, run_id=state["run_id"], export=export, test=test
        )
        write_json(self._paths.tracking, state | {"registered": card["round"]})
        print(verdict)


def connect(uri: str, paths: RunPaths) -> "MlflowClient":
    """A client on a store whose tables exist.

    MLflow creates the tables of a fresh SQLite file on first use; several processes that do so at
    once corrupt it (three of four crashed when tried), so it happens under a lock.
    """
    for key, value in {"MLFLOW_DISABLE_TELEMETRY": "true", **_HTTP}.items():
        os.environ.setdefault(key, value)
    import mlflow
    from filelock import FileLock

    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient(uri)
    if uri.startswith("sqlite:///"):
        database = Path(uri.removeprefix("sqlite:///"))
        database.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{database}.lock"):
            client.search_experiments(max_results=1)
    return client


def experiment_id(client: "MlflowClient", name: str, uri: str, paths: RunPaths) -> str:
    """Id of an experiment, created if need be; SQLite keeps artifacts in ``runs/mlartifacts``."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found:
        if found.lifecycle_stage == "deleted":
            raise FieldmarkError(f"MLflow experiment {name!r} is deleted; restore or rename it")
        return found.experiment_id
    location = paths.artifacts.resolve().as_uri() if uri.startswith("sqlite:") else None
    try:
        return client.create_experiment(name, artifact_location=location)
    except MlflowException:  # another process was faster
        found = client.get_experiment_by_name(name)
        if not found:
            raise
        return found.experiment_id


def round_metrics(record: dict[str, Any]) -> dict[str, float]:
    """MLflow metrics of one ``metrics.json``: finite numbers only, absent ones left out."""
    found: dict[str, Any] = {"num_labels": record["num_labels"], "num_pool": record["num_pool"]}
    found |= {f"seconds/{key}": value for key, value in record["seconds"].items()}
    for split in ("val", "test"):
        scores = record[split]
        if not scores:
            continue
        found |= {f"{split}_{key}": scores[key] for key in SCORES}
        for key, bounds in scores["intervals"].items():
            if bounds:
                found |= {f"{split}_{key}_low": bounds[0], f"{split}_{key}_high": bounds[1]}
        for name, row in scores["per_class"].items():
            safe = "".join(c if c.isalnum() or c in "_- ." else "_" for c in name)
            found |= {f"{split}_{key}/{safe}": row[key] for key in ("precision", "recall", "f1")}
    return {key: float(value) for key, value in found.items() if value is not None}
