import logging
import multiprocessing
import shutil
import socket
import sqlite3
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.config import TrackingConfig
from classification.errors import FieldmarkError
from classification.paths import RunPaths
from classification.tracking import make_tracker
from classification.tracking_store import (
    connect,
    experiment_id,
    masked,
    quiet,
    require_answer,
    require_plugin,
    tracking_uri,
)


@pytest.fixture
def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def silent_port():
    """A server that takes connections and never says a word."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        yield s.getsockname()[1]


def test_the_address_comes_from_the_environment_then_dotenv_then_the_runs_folder(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    run = RunPaths(Path("runs/resnet18/first"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://one")
    Path(".env").write_text("MLFLOW_TRACKING_URI=http://two\n")
    assert tracking_uri(run) == "http://one"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking_uri(run) == "http://two"
    Path(".env").unlink()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking_uri(run) == f"sqlite:///{tmp_path.resolve()}/runs/mlflow.db"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://ann:s3cret@host:5000/x", "http://***@host:5000/x"),
        ("https://token@host", "https://***@host"),
        ("postgresql://ann:p@ss/w:rd@db/mlflow", "postgresql://***@db/mlflow"),
        ("no route to http://ann:s3cret@host, twice", "no route to http://***@host, twice"),
        ("postgresql://db/mlflow?user=a&password=s3cret&ssl=1", "password=***"),
        ("sqlite:////home/me@work/a:b@c/mlflow.db", "sqlite:////home/me@work/a:b@c/mlflow.db"),
        ("http://host:5000/path", "http://host:5000/path"),
    ],
)
def test_passwords_in_addresses_are_masked(text, shown):
    assert shown in masked(text)
    assert "s3cret" not in masked(text)


@given(st.text(st.characters(codec="ascii", exclude_characters=" /\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f")))
def test_no_password_survives_masking(password):
    assert masked(f"x http://ann:{password}@host/path y") == "x http://***@host/path y"


def test_a_closed_port_is_found_out_at_once(free_port):
    started = time.perf_counter()
    for address in (f"http://127.0.0.1:{free_port}", f"postgresql://a:b@127.0.0.1:{free_port}/m"):
        with pytest.raises(OSError, match="refused"):
            require_answer(address)
    assert time.perf_counter() - started < 30  # MLflow's own retries take minutes


def test_a_server_that_hangs_is_given_seconds(silent_port, monkeypatch):
    monkeypatch.setattr("classification.tracking_store._SECONDS", 0.2)
    with pytest.raises(OSError, match="timed out"):
        require_answer(f"http://127.0.0.1:{silent_port}")


def test_any_answer_will_do_even_a_refusal(free_port):
    from http.server import BaseHTTPRequestHandler, HTTPServer

    seen = []

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers.get("Authorization")))
            self.send_error(401)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", free_port), Refuses) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        require_answer(f"http://ann:s3cret@127.0.0.1:{free_port}/mlflow/")
    assert seen == [("/mlflow/api/2.0/mlflow/experiments/search?max_results=1", None)]


def test_processes_may_start_together_on_a_fresh_store(tmp_path):
    start = multiprocessing.get_context("forkserver")
    start.set_forkserver_preload(["mlflow.store.tracking.sqlalchemy_store"])
    address = f"sqlite:///{tmp_path}/runs/mlflow.db"
    crowd = [start.Process(target=connect, args=(address,)) for _ in range(3)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(120)
    assert [process.exitcode for process in crowd] == [0] * 3
    with quiet():
        assert connect(address).search_experiments(max_results=1)


def test_processes_may_create_an_experiment_together(tmp_path, mlflow_store, monkeypatch):
    with quiet():
        client, paths = connect(mlflow_store), RunPaths(tmp_path / "m" / "e")
    first = experiment_id(client, "birds", paths)
    answers = iter([None, client.get_experiment_by_name("birds")])
    monkeypatch.setattr(client, "get_experiment_by_name", lambda _: next(answers))
    assert experiment_id(client, "birds", paths) == first


def test_a_store_is_created_whole_or_not_at_all(tmp_path, monkeypatch):
    database = tmp_path / "runs" / "mlflow.db"

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.copyfile", killed)
    monkeypatch.setattr("mlflow.MlflowClient.search_registered_models", lambda *_, **__: [])
    monkeypatch.setattr("mlflow.MlflowClient.__init__", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        connect(f"sqlite:///{database}")
    assert [path.name for path in database.parent.iterdir()] == ["mlflow.db.lock"]


def test_the_path_of_a_store_may_hold_odd_signs(tmp_path, mlflow_template):
    database = tmp_path / "50% of #1, é & co" / "mlflow.db"
    database.parent.mkdir()
    shutil.copyfile(mlflow_template, database)
    with quiet():
        connect(f"sqlite:///{database}").create_experiment("here")
    assert database.stat().st_mtime > mlflow_template.stat().st_mtime
    assert [path.name for path in tmp_path.iterdir()] == [database.parent.name]


def test_a_damaged_database_is_found_out_at_once(tmp_path):
    pytest.importorskip("mlflow")  # not to be timed
    (tmp_path / "mlflow.db").write_bytes(b"not a database" * 99)
    started = time.perf_counter()
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        connect(f"sqlite:///{tmp_path}/mlflow.db")
    assert time.perf_counter() - started < 30  # MLflow's own retries take minutes


def test_a_deleted_experiment_is_named_with_the_way_back(tmp_path, mlflow_store):
    with quiet():
        client, paths = connect(mlflow_store), RunPaths(tmp_path / "m" / "e")
    found = experiment_id(client, "birds", paths)
    assert experiment_id(client, "birds", paths) == found
    client.delete_experiment(found)
    with pytest.raises(FieldmarkError, match=f"mlflow experiments restore -x {found}"):
        experiment_id(client, "birds", paths)


def test_mlflow_is_quiet_and_logging_is_as_before(capfd):
    logger = logging.getLogger("mlflow.store")
    with quiet():
        import mlflow  # noqa: F401  # it configures logging

        logger.critical("a traceback as long as your arm")
        print("View run at http://...", file=sys.stderr)
    assert capfd.readouterr() == ("", "")
    assert logger.isEnabledFor(logging.CRITICAL)


ARN = "arn:aws:sagemaker:us-west-2:123456789012:mlflow-tracking-server/fieldmark"


@pytest.mark.parametrize("uri", [ARN, ARN.replace("mlflow-tracking-server", "mlflow-app")])
def test_a_managed_server_needs_its_plugin_and_says_so_before_a_run_begins(
    uri, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr("classification.tracking_store.find_spec", lambda name: None)
    with pytest.raises(FieldmarkError, match=r"sagemaker-mlflow: pip install .*\[aws\]"):
        make_tracker(TrackingConfig(), RunPaths(tmp_path))
    monkeypatch.setattr("classification.tracking_store.find_spec", lambda name: name)
    assert make_tracker(TrackingConfig(), RunPaths(tmp_path)).where == uri


def test_an_arn_of_something_else_is_refused():
    with pytest.raises(FieldmarkError, match="is not the ARN of a managed MLflow server"):
        require_plugin("arn:aws:s3:::bucket")
    require_plugin("http://127.0.0.1:5000")


@pytest.mark.parametrize(
    ("location", "uri", "refused"),
    [
        ("file:///of/another/machine/mlartifacts", "http://127.0.0.1:5000", True),
        ("/of/another/machine/mlartifacts", "https://mlflow.example.org", True),
        ("mlflow-artifacts:/1", "http://127.0.0.1:5000", False),
        ("s3://bucket/mlflow/1", "http://127.0.0.1:5000", False),
        ("file:///of/another/machine/mlartifacts", "sqlite:////x/mlflow.db", False),
        ("file:///tmp/mlartifacts", "http://127.0.0.1:5000", False),
    ],
)
def test_files_of_a_run_never_land_in_a_folder_that_the_server_does_not_see(
    location, uri, refused, tmp_path
):
    found = SimpleNamespace(artifact_location=location, lifecycle_stage="active", experiment_id="7")
    client = SimpleNamespace(tracking_uri=uri, get_experiment_by_name=lambda name: found)
    paths = RunPaths(tmp_path / "m" / "e")
    if refused:
        with pytest.raises(FieldmarkError, match=r"of the machine where .* tracking\.experiment"):
            experiment_id(client, "fieldmark", paths)
    else:
        assert experiment_id(client, "fieldmark", paths) == "7"
