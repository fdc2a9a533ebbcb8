"""Reaching MLflow: its address, whether it answers, its tables, and keeping it quiet.

MLflow, the database drivers and the artifact stores under it log, print, retry and phone home by
default. Here a store that is down fails within seconds, and only this project talks to the user.
"""

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from classification.errors import FieldmarkError
from classification.files import atomic_path
from classification.paths import RunPaths, StorePaths

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # By default seven retries of two minutes each. A minute covers the server storing a large
    # upload; a server that is down is found out earlier, by `require_answer`.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}
_SECONDS = 5  # to wait for a sign of life
_DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
_SQLITE = "sqlite:///"
_LOCK_SECONDS = 120  # another process creates the tables in 5-7 s
_MANAGED = re.compile(
    r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:(mlflow-tracking-server|mlflow-app)/[\w-]+"
)
_SECRET = re.compile(r"(?<=://)[^\s/:@]*(?::\S*)?(?=@)|(?<=password=)[^\s&]*")


def tracking_uri(paths: RunPaths | StorePaths) -> str:
    """``MLFLOW_TRACKING_URI`` from the environment or ``.env``; SQLite in ``runs/`` otherwise."""
    from dotenv import find_dotenv, load_dotenv

    load_dotenv(find_dotenv(usecwd=True))
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}{paths.tracking_db.resolve()}"


def require_plugin(uri: str) -> None:
    """Raise a FieldmarkError where MLflow could not even try this address: a managed server's ARN.

    That is no outage, which costs a warning: it would be as it is after days of training.
    """
    if not uri.startswith("arn:"):
        return
    if not _MANAGED.fullmatch(uri):
        raise FieldmarkError(
            f"MLFLOW_TRACKING_URI: {uri!r} is not the ARN of a managed MLflow server or app, "
            "arn:aws:sagemaker:<region>:<account>:mlflow-tracking-server/<name>"
        )
    if find_spec("sagemaker_mlflow") is None:
        raise FieldmarkError(
            f"MLFLOW_TRACKING_URI is {uri}, which MLflow reaches through the package "
            'sagemaker-mlflow: pip install -e ".[aws]"'
        )


def masked(text: str) -> str:
    """`text` with ``***`` for the users and passwords in its addresses."""
    return _SECRET.sub("***", text)


@contextmanager
def quiet() -> Iterator[None]:
    """Neither telemetry nor a word from MLflow or torch.export on stderr; errors still raise."""
    for key, value in _SETTINGS.items():
        os.environ.setdefault(key, value)
    disabled = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(disabled)


def connect(uri: str) -> "MlflowClient":
    """A client on a store that answers and whose tables exist.

    Raises:
        Exception: whatever the store, its driver or the network raises.
    """
    from mlflow import MlflowClient
    from sqlalchemy import make_url

    require_plugin(uri)
    require_answer(uri)
    if uri.startswith(_SQLITE):
        _prepare_sqlite(Path(make_url(uri).database or ""))
    return MlflowClient(uri)


def require_answer(uri: str) -> None:
    """Fail within seconds if nothing answers at an address; MLflow itself would take minutes.

    Raises:
        OSError: no answer; requests' errors are OSErrors, too.
    """
    import socket
    from urllib.parse import urlsplit

    import requests

    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    if scheme in ("http", "https"):
        address = f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        api = f"{address}/api/2.0/mlflow/experiments/search"
        try:
            requests.get(api, params={"max_results": 1}, timeout=_SECONDS).close()
        except requests.exceptions.SSLError:
            return  # something answers; MLflow has its own settings for certificates
    elif scheme in _DATABASE_PORTS and parts.hostname:
        port = parts.port or _DATABASE_PORTS[scheme]
        socket.create_connection((parts.hostname, port), timeout=_SECONDS).close()


def experiment_id(client: "MlflowClient", name: str, paths: RunPaths) -> str:
    """Id of an experiment, created if need be; SQLite keeps artifacts in ``runs/mlartifacts``.

    Raises:
        FieldmarkError: the experiment was deleted.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        local = client.tracking_uri.startswith(_SQLITE)
        location = paths.artifacts.resolve().as_uri() if local else None
        try:
            return client.create_experiment(name, artifact_location=location)
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:  # not that another process was faster
                raise
    if found.lifecycle_stage == "deleted":
        raise FieldmarkError(
            f"the experiment {name!r} is deleted there; restore it (mlflow experiments restore -x "
            f"{found.experiment_id}) or set tracking.experiment to another name"
        )
    _require_reachable(found.artifact_location, client.tracking_uri, name)
    return found.experiment_id


def _require_reachable(location: str, uri: str, name: str) -> None:
    """An experiment made without a server keeps files in a folder, which each client would write to
    on its own machine."""
    folder = _folder_of(location)
    if uri.startswith(("http://", "https://")) and folder and not folder.parent.exists():
        raise FieldmarkError(
            f"the experiment {name!r} on that server keeps its files in {folder}, a folder of the "
            "machine where it was made and not of this one: set tracking.experiment to another name"
        )


def _folder_of(location: str) -> Path | None:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(location)
    return Path(unquote(parts.path)) if parts.scheme in ("", "file") and parts.path else None


def _prepare_sqlite(database: Path) -> None:
    """Create MLflow's tables, whole or not at all, and by one process only.

    MLflow creates them in place on first use: of four processes that did so at once three crashed,
    and a process killed meanwhile left a file that no later one could use.
    """
    import shutil
    import sqlite3
    from tempfile import TemporaryDirectory

    from filelock import FileLock
    from mlflow import MlflowClient

    if not database.exists():
        database.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{database}.lock", timeout=_LOCK_SECONDS):
            if not database.exists():
                with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                    fresh = Path(folder) / database.name
                    MlflowClient(f"{_SQLITE}{fresh}").search_registered_models(max_results=1)
                    with atomic_path(database) as temporary:
                        shutil.copyfile(fresh, temporary)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA schema_version")  # a damaged file: MLflow would retry for 100 s
