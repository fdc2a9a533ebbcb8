import json
import socket
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.config import RunConfig, TrackingConfig
from classification.evaluate import evaluate
from classification.files import read_json, write_json
from classification.paths import ExportPaths, RunPaths
from classification.settings import write_config
from classification.tracking import make_tracker
from classification.tracking_metrics import metric_names, round_metrics
from classification.tracking_store import quiet
from tests.mortal import make_mortal

CLASSES = ["deer", "fox", "fox?", "fox!"]
HASHES = {"table": "ab" * 32, "splits": "cd" * 32, "test_split": "ef" * 32}


def scores(seed):
    rng = np.random.default_rng(seed)
    truth, probs = rng.integers(0, 4, 40), rng.dirichlet(np.ones(4), 40)
    camera = rng.integers(0, 6, 40).astype(str)
    return evaluate(truth, probs, classes=CLASSES, groups=camera, rng=rng, resamples=10).to_json()


def play(run, *numbers):
    """Write rounds as a run does; round 0 has no model."""
    for number in numbers:
        paths = run.round(number)
        write_config(paths.config, RunConfig())
        write_json(paths.provenance, {"commit": "0123abc"})
        record = {
            "round": number,
            "num_labels": 10 * number,
            "num_pool": 100 - 10 * number,
            "classes": CLASSES,
            "val": scores(number) if number else None,
            "test": scores(100 + number) if number else None,
            "seconds": {"train": 1.5},
            "calibration": {"temperature": 1.25, "items": 40} if number else None,
            "data": HASHES,
        }
        write_json(paths.metrics, record)


@pytest.fixture
def run(tmp_path):
    """A run of two complete rounds."""
    paths = RunPaths(tmp_path / "runs" / "resnet18" / "first")
    play(paths, 0, 1)
    return paths


@pytest.fixture
def client(mlflow_store):
    """A look into the store."""
    with quiet():
        from mlflow import MlflowClient

        yield MlflowClient(mlflow_store)


def tracker(run, **options):
    return make_tracker(TrackingConfig(**options), run)


def runs_of(client, experiment="fieldmark"):
    found = client.get_experiment_by_name(experiment)
    return client.search_runs([found.experiment_id]) if found else []


def only_run(client):
    (found,) = runs_of(client)
    return found


def history(client, key):
    values = client.get_metric_history(only_run(client).info.run_id, key)
    return [(m.step, m.value) for m in sorted(values, key=lambda m: m.step)]


def test_off_means_nothing_is_written(run, mlflow_store):
    off = tracker(run, enabled=False)
    off.sync(finished=True)
    off.register(ExportPaths(run.export))
    assert off.where == ""
    assert not run.tracking.exists()


def test_a_run_without_complete_rounds_sends_nothing(tmp_path, client, capsys):
    tracker(RunPaths(tmp_path / "runs" / "m" / "e")).sync()
    assert runs_of(client) == []
    assert capsys.readouterr().out == ""


def test_what_mlflow_shows_of_a_run(run, client, capfd):
    tracker(run).sync()
    assert capfd.readouterr() == ("", "")
    found = only_run(client)
    assert found.info.run_name == "resnet18/first"
    assert found.info.status == "RUNNING"
    assert found.data.params["query.strategy"] == "auto"
    assert found.data.params["backbone.name"] == "resnet18"
    assert found.data.tags["data.test_split"] == HASHES["test_split"]
    assert found.data.tags["mlflow.source.git.commit"] == "0123abc"
    (dataset,) = found.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("demo", "ab" * 16)
    test = read_json(run.round(1).metrics, what="metrics")["test"]
    assert history(client, "test_macro_f1") == [(10, test["macro_f1"])]
    assert history(client, "test_f1/deer") == [(10, test["per_class"]["deer"]["f1"])]
    assert history(client, "num_labels") == [(0, 0), (10, 10)]
    assert history(client, "temperature") == [(10, 1.25)]
    names = {item.path for item in client.list_artifacts(found.info.run_id)}
    assert names == {"learning_curve.png", "confusion_matrix.png", "rounds"}
    assert read_json(run.tracking, what="key")["run_id"] == found.info.run_id


def test_a_resumed_run_goes_on_in_the_same_mlflow_run(run, client):
    tracker(run).sync()
    play(run, 2)
    tracker(run).sync(finished=True)
    tracker(run).sync(finished=True)
    assert history(client, "round") == [(0, 0), (10, 1), (20, 2)]
    first = only_run(client).info
    assert first.status == "FINISHED"
    tracker(run).sync(finished=True)
    assert only_run(client).info.end_time == first.end_time
    play(run, 3)  # more rounds were asked for
    tracker(run).sync()
    assert only_run(client).info.status == "RUNNING"
    tracker(run).sync(finished=True)
    assert only_run(client).info.status == "FINISHED"


def test_a_fresh_start_is_a_new_mlflow_run(run, client):
    tracker(run).sync(finished=True)
    run.tracking.rename(run.root / "aside.json")
    tracker(run).sync()
    assert sorted(r.info.status for r in runs_of(client)) == ["FINISHED", "RUNNING"]


def test_a_run_deleted_in_mlflow_is_sent_anew(run, client):
    tracker(run).sync()
    old = only_run(client).info.run_id
    client.delete_run(old)
    tracker(run).sync()
    assert only_run(client).info.run_id != old
    assert history(client, "round") == [(0, 0), (10, 1)]


def test_another_store_gets_everything_and_the_first_goes_on(run, client, tmp_path, monkeypatch):
    tracker(run).sync()
    first = only_run(client)
    other = f"sqlite:///{tmp_path}/other.db"
    (tmp_path / "other.db").write_bytes((tmp_path / "store" / "mlflow.db").read_bytes())
    with quiet():
        from mlflow import MlflowClient

        there = MlflowClient(other)
        there.delete_run(first.info.run_id)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", other)
        tracker(run).sync()
        assert history(there, "round") == [(0, 0), (10, 1)]
        monkeypatch.setenv("MLFLOW_TRACKING_URI", client.tracking_uri)
        tracker(run).sync()
    assert only_run(client).info.run_id == first.info.run_id


def test_a_deleted_experiment_is_a_warning_with_the_way_out(run, client, capsys):
    tracker(run).sync()
    client.delete_experiment(only_run(client).info.experiment_id)
    tracker(run).sync()
    assert "restore it" in capsys.readouterr().out
    tracker(run, experiment="another").sync()
    assert len(runs_of(client, "another")) == 1


def test_a_server_that_is_down_costs_a_warning_and_later_gets_everything(
    run, client, monkeypatch, capfd
):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ann:s3cret@127.0.0.1:{port}")
    started = time.perf_counter()
    down = tracker(run)
    down.sync()
    play(run, 2)
    down.sync(finished=True)
    down.register(ExportPaths(run.export))
    assert time.perf_counter() - started < 30  # MLflow's own retries take minutes
    said, errors = capfd.readouterr()
    assert errors == ""
    lines = said.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"warning: MLflow at http://***@127.0.0.1:{port}") for line in lines)
    assert "run the same command again" in lines[0]
    assert down.where == f"http://***@127.0.0.1:{port}"
    assert "s3cret" not in said
    monkeypatch.setenv("MLFLOW_TRACKING_URI", client.tracking_uri)
    tracker(run).sync(finished=True)
    assert history(client, "round") == [(0, 0), (10, 1), (20, 2)]


def killer(monkeypatch, client):
    """Kills the process after as many changes in MLflow as its only item says."""
    names = ("create_experiment", "create_run", "log_inputs", "log_artifact", "log_figure")
    return make_mortal(monkeypatch, type(client), (*names, "log_batch", "set_terminated"))


def test_a_sync_killed_at_any_point_leaves_no_mess(run, client, monkeypatch, capsys):
    from matplotlib.figure import Figure

    for name in ("learning_curve", "confusion_matrix"):  # drawn in no time
        monkeypatch.setattr(f"classification.figures.{name}", lambda *_: Figure((1, 1)))
    left = killer(monkeypatch, client)
    for calls in range(1, 30):
        left[0] = calls
        try:
            tracker(run, experiment=f"killed after {calls}").sync(finished=True)
        except KeyboardInterrupt:
            left[0] = 10**9
            tracker(run, experiment=f"killed after {calls}").sync(finished=True)
        else:
            break
    assert capsys.readouterr().out == ""
    assert calls > 15
    seen = []
    for number in range(1, calls + 1):
        (found,) = runs_of(client, f"killed after {number}")
        assert found.info.status == "FINISHED"
        values = client.get_metric_history(found.info.run_id, "test_macro_f1")
        rounds = client.get_metric_history(found.info.run_id, "round")
        assert len(values) == 1
        assert sorted(m.value for m in rounds) == [0, 1]
        assert len(found.inputs.dataset_inputs) == 1
        seen.append((found.data.params, found.data.metrics))
    assert all(one == seen[0] for one in seen)


def test_a_corrupt_key_file_does_not_end_the_run(run, client, capsys):
    run.tracking.parent.mkdir(parents=True, exist_ok=True)
    run.tracking.write_text("{half")
    tracker(run).sync()
    assert "not valid JSON" in capsys.readouterr().out


def test_the_command_that_shows_the_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////my data/mlflow.db")
    assert tracker(RunPaths(tmp_path)).where.endswith("'sqlite:////my data/mlflow.db'")


@given(st.lists(st.text(), unique=True))
def test_every_class_has_a_metric_name_of_its_own_that_mlflow_takes(classes):
    from mlflow.utils.validation import _validate_metric_name

    names = metric_names(classes)
    assert len(set(names)) == len(classes)
    for name in names:
        _validate_metric_name(f"test_f1/{name}")


def test_classes_with_plain_names_keep_them():
    assert metric_names(["red fox", "deer", "élan"]) == ["red fox", "deer", "élan"]


def test_undefined_scores_are_left_out():
    record = {"num_labels": 0, "num_pool": 5, "seconds": {}, "val": None, "test": scores(0)}
    record["test"] |= {"ece": None, "intervals": {"accuracy": None}}
    found = round_metrics(json.loads(json.dumps(record)))
    assert "test_ece" not in found
    assert "test_accuracy_low" not in found
    assert "val_accuracy" not in found
    assert found["test_accuracy"] == record["test"]["accuracy"]
