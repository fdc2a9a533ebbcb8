"""A server with a password: who may come in, and that a run and its model go there whole."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest
import requests

from classification.config import TrackingConfig
from classification.errors import FieldmarkError
from classification.mlflow_server import serve
from classification.mlflow_server.serve import credentials, environment, require_port
from classification.paths import ExportPaths, RunPaths, ServerPaths, StorePaths
from classification.tracking import make_tracker
from classification.versions.commands import execute
from classification.versions.options import RegistryOptions
from tests.conftest import ROOT
from tests.versions.made import finish

_START = 400  # seconds: MLflow's imports alone take 40 on a busy machine


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_password_is_made_once_and_is_for_the_owner_only(tmp_path):
    paths = ServerPaths(tmp_path / "server")
    first = credentials(paths, port=5000)
    assert len(first["MLFLOW_TRACKING_PASSWORD"]) >= 24
    assert mode(paths.root) == 0o700
    for path in (paths.client, paths.settings, paths.key):
        assert mode(path) == 0o600
    again = credentials(paths, port=5001)
    assert again == first | {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5001"}
    assert first["MLFLOW_TRACKING_PASSWORD"] not in paths.settings.read_text()


def test_a_lost_password_is_told_with_the_way_out(tmp_path):
    paths = ServerPaths(tmp_path / "server")
    credentials(paths, port=5000)
    paths.accounts.touch()
    paths.client.write_text("MLFLOW_TRACKING_URI=x\n")
    with pytest.raises(FieldmarkError, match="no line MLFLOW_TRACKING_PASSWORD"):
        credentials(paths, port=5000)
    paths.client.unlink()
    with pytest.raises(FieldmarkError, match=r"accounts\.db for a new password; runs and models"):
        credentials(paths, port=5000)


def test_the_server_gets_its_own_secrets_and_not_those_of_another(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "of-another-server")
    paths = ServerPaths(tmp_path / "server")
    given = environment(paths, credentials(paths, port=5000))
    assert "of-another-server" not in given.values()
    assert given["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_a_taken_port_is_named_with_the_way_to_another():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        with pytest.raises(FieldmarkError, match=r"cannot be had.*--port 5001"):
            require_port(s.getsockname()[1])


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    with pytest.raises(FieldmarkError, match=r"\.\[server\]"):
        serve.require_packages()


@pytest.fixture(scope="session")
def server(tmp_path_factory, mlflow_template):
    """A real server process over a fresh ``runs/``: its store."""
    pytest.importorskip("flask_wtf", reason="extra server: MLflow with passwords")
    store = StorePaths(tmp_path_factory.mktemp("served") / "runs")
    store.root.mkdir()
    shutil.copyfile(mlflow_template, store.tracking_db)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    log = store.root / "log.txt"
    words = [ROOT / "utils/serve_mlflow.py", "--port", port, "--runs", store.root]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        _until_it_answers(f"http://127.0.0.1:{port}", process, log)
        yield store
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


def _until_it_answers(address, process, log):
    end = time.monotonic() + _START
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            requests.get(address, timeout=5).close()
        except requests.ConnectionError:
            time.sleep(0.5)
        except requests.Timeout:
            pass
        else:
            return
    raise AssertionError(f"no answer within {_START} s:\n{log.read_text()}")


def test_a_run_and_its_model_go_to_a_server_with_a_password(
    server, tiny_export, tiny_program, tmp_path, monkeypatch, capsys
):
    lines = server.server.client.read_text().splitlines()
    known = dict(line.split("=", 1) for line in lines)
    address = known["MLFLOW_TRACKING_URI"]
    password = known["MLFLOW_TRACKING_PASSWORD"]
    api = f"{address}/api/2.0/mlflow/experiments/search?max_results=1"
    assert requests.get(api, timeout=60).status_code == 401
    assert requests.get(api, auth=("admin", "guessed"), timeout=60).status_code == 401
    assert requests.get(api, auth=("admin", password), timeout=60).status_code == 200

    paths = RunPaths(tmp_path / "runs" / "squeezenet" / "first")
    finish(paths, tiny_export)
    monkeypatch.setattr(
        "classification.versions.register.save_program",
        lambda _, folder: shutil.copytree(tiny_program, folder),
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    make_tracker(TrackingConfig(), paths).register(ExportPaths(paths.export))
    said = capsys.readouterr().out
    assert "did not take the model" in said
    assert password not in said

    for key, value in known.items():
        monkeypatch.setenv(key, value)
    make_tracker(TrackingConfig(), paths).register(ExportPaths(paths.export))
    assert "version 1 as challenger and champion" in capsys.readouterr().out
    out = tmp_path / "out"
    execute(RegistryOptions(command="export", model="squeezenet-first", output=out))
    assert (out / "model.safetensors").read_bytes() == tiny_export.weights.read_bytes()
    assert any(server.artifacts.rglob("model.safetensors"))  # by way of the server
    assert (server.server.accounts).exists()
    log = (server.root / "log.txt").read_text()
    assert password not in log
