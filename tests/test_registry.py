"""registry.py on the registry of a real small run, and predict.py with a model out of it."""

import json
import os
import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from classification import predict as predict_script
from classification import registry as script
from classification.errors import FieldmarkError
from classification.files import read_json
from classification.launch import Job
from classification.launch.local import LocalLauncher
from classification.learning.model import load_classifier
from classification.paths.versions import ReleasePaths
from classification.query.names import STRATEGY_NAMES
from classification.settings import load_config
from classification.tracking_store import quiet
from classification.versions.commands import execute
from classification.versions.lookup import parse_reference
from tests.tiny import make_tiny


@pytest.fixture(scope="module")
def trained(tmp_path_factory, mlflow_template):
    """A finished run whose model is in the registry at ``runs/mlflow.db``."""
    folder = tmp_path_factory.mktemp("registry")
    fields = {"rounds": 1, "tracking.enabled": True, "tracking.licence": "CC0-1.0"}
    tiny = make_tiny(folder, **fields)
    shutil.copyfile(mlflow_template, tiny.run.tracking_db)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.chdir(folder)  # no .env of the project
        config = load_config(tiny.run.config, strategies=STRATEGY_NAMES)
        LocalLauncher().submit(Job(config=config, run=tiny.run.root, resume=True))
    return tiny


@pytest.fixture
def here(trained, monkeypatch):
    """The folder above ``runs/``, as for who types the commands."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(trained.run.root.parents[2])
    return trained


def say(capsys, *words):
    capsys.readouterr()
    execute(script.parse([str(word) for word in words]))
    return capsys.readouterr().out


def test_list_and_show_tell_what_is_there(here, capsys):
    (line,) = say(capsys, "list").splitlines()
    assert line.startswith("test-tiny/1")
    assert line.endswith("challenger, champion")
    shown = say(capsys, "show", "models:/test-tiny@champion")
    assert "test/tiny, round 1" in shown
    assert "CC0-1.0" in shown
    assert "tiny/cam2" in shown  # a test camera, with its interval
    assert "8 from " in shown
    assert "locations (8 decisions by oracle)" in shown


def test_the_record_holds_what_one_must_know_to_trust_a_model(here, tmp_path, capsys):
    say(capsys, "export", "test-tiny", "--output", tmp_path / "out")
    record = read_json(ReleasePaths(tmp_path / "out").record, what="record")
    metrics = read_json(here.run.round(1).metrics, what="metrics")
    assert record["classes"] == ["cat", "deer", "fox"]
    assert record["data"] == metrics["data"]
    assert set(record["train_locations"]) <= {f"tiny/cam{i}" for i in range(4, 10)}
    assert sum(record["train_locations"].values()) == record["num_labels"] == 8
    assert set(record["thresholds"]["per_class"]) == set(record["classes"])
    assert record["test"]["macro_f1"] == metrics["test"]["macro_f1"]
    assert {row["f1_interval"] for row in record["test"]["per_class"].values()} == {None}
    assert all(
        low <= row["accuracy"] <= high
        for row in record["test"]["per_location"].values()
        for low, high in [row["accuracy_interval"]]
    )
    assert record["labelling"] == {"decisions": 8, "annotators": {"oracle": 8}, "hours": None}
    assert record["provenance"]["packages"]["torch"]


def test_an_exported_model_has_all_forms_and_the_same_weights(here, tmp_path, capsys):
    out = ReleasePaths(tmp_path / "out")
    said = say(capsys, "export", "test-tiny/1", "--output", out.root, "--onnx")
    for path in (out.weights, out.card, out.record, out.embedding, out.head, out.classes,
                 out.program / "MLmodel"):  # fmt: skip
        assert path.is_file(), path
        assert str(path) in said
    assert any(out.program.rglob("*.pt2"))
    assert not list(out.root.rglob("*.pkl"))
    ours, theirs = load_classifier(out.root), load_classifier(here.run.export)
    for key, value in theirs.backbone.state_dict().items():
        assert np.array_equal(value.numpy(), ours.backbone.state_dict()[key].numpy())
    with pytest.raises(FieldmarkError, match="exists: give --output another"):
        say(capsys, "export", "test-tiny", "--output", out.root)


def predict(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["predict.py", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        predict_script.main()
    return end.value.code


def test_predict_by_name_gives_what_the_run_gave(here, tmp_path, monkeypatch, capsys):
    output = tmp_path / "out.csv"
    options = ("--config", here.run.config, "--split", "test", "--output", output)
    assert predict(monkeypatch, "--model", "models:/test-tiny@champion", *options) == 0
    assert "model: test-tiny version 1" in capsys.readouterr().out
    table = pd.read_csv(output).set_index("path")
    expected = pd.read_parquet(here.run.round(1).predictions).set_index("path")
    columns = [c for c in table if c.startswith("p_")]
    assert len(table) == 18
    assert np.allclose(table[columns], expected.loc[table.index, columns], atol=2e-4)
    scores = json.loads(output.with_suffix(".metrics.json").read_text())
    run = json.loads(here.run.round(1).metrics.read_text())["test"]
    assert scores["confusion"] == run["confusion"]


def test_predict_needs_no_run_folder_for_images_from_anywhere(here, tmp_path, monkeypatch):
    output = tmp_path / "out.csv"
    recognitions = tmp_path / "recognitions.json"
    words = ("--images", here.data.crops, "--output", output, "--megadetector-json", recognitions)
    assert predict(monkeypatch, "--model", "models:/test-tiny/1", *words) == 0
    table = pd.read_csv(output).set_index("path")
    expected = pd.read_parquet(here.run.round(1).predictions).set_index("path")
    assert (table["prediction"] == expected.loc[table.index, "prediction"]).all()
    assert json.loads(recognitions.read_text())["info"]["classifier"] == "test-tiny, round 1"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "m", "--checkpoint", "x", "--config", "c"], "--model or --checkpoint"),
        (["--model", "m"], "--config, or --model together with --images"),
        (["--images", "x"], "--config, or --model together with --images"),
    ],
)
def test_options_that_do_not_go_together_are_refused(monkeypatch, words, said):
    assert said in predict(monkeypatch, *words)


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


def test_what_somebody_planted_in_the_registry_is_never_executed(
    here, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    runs = here.run.root.parents[1]
    say(capsys, "export", "test-tiny", "--output", tmp_path / "a", "--runs", runs)
    (weights,) = (runs / "mlartifacts").rglob("export/model.safetensors")
    before = weights.read_bytes()
    weights.write_bytes(pickle.dumps(Evil()))
    (weights.parent / "model.pkl").write_bytes(pickle.dumps(Evil()))
    try:
        words = ("--config", here.run.config, "--model", "test-tiny")
        assert predict(monkeypatch, *words) == 1
        assert "weights cannot be read" in capsys.readouterr().err
        say(capsys, "show", "test-tiny", "--runs", runs)
    finally:
        weights.write_bytes(before)
        (weights.parent / "model.pkl").unlink()
    assert not Path("executed").exists()


def test_a_model_beside_itself_and_refusals(here, capsys):
    shown = say(capsys, "compare", "test-tiny/1", "test-tiny@challenger")
    assert "accuracy                             18      2" in shown
    assert "[+" not in shown  # two cameras are too few for an interval
    assert "F1 by class" in shown
    assert "version 1 is champion: it is the champion" in say(capsys, "promote", "test-tiny")
    for words, reason in [
        (("rollback", "test-tiny"), "replaced no champion"),
        (("show", "no-such"), "Known: test-tiny"),
        (("show", "test-tiny/7"), r"Versions: 1; aliases: challenger \(1\), champion \(1\)"),
        (("show", "test-tiny@best"), "there is no test-tiny@best"),
        (("show", "a:b:c"), "is not a model"),
        (("show",), "needs a model"),
        (("export", "test-tiny"), "--output FOLDER"),
    ]:
        with pytest.raises(FieldmarkError, match=reason):
            say(capsys, *words)


def test_a_version_of_somebody_elses_is_named(here, tmp_path, capsys, monkeypatch):
    shutil.copyfile(here.run.tracking_db, tmp_path / "mlflow.db")
    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
        client.create_registered_model("foreign")
        client.create_model_version("foreign", (tmp_path / "nothing").as_uri())
    with pytest.raises(FieldmarkError, match="no model of this package is at"):
        say(capsys, "show", "foreign/1", "--runs", tmp_path)
    assert "foreign/1" in say(capsys, "list", "--runs", tmp_path)


def test_a_registry_that_does_not_answer_is_said_without_its_password(here, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:s3cret@127.0.0.1:9")
    with pytest.raises(FieldmarkError, match="does not answer") as error:
        say(capsys, "list")
    assert "s3cret" not in str(error.value)
    assert "MLFLOW_TRACKING_URI" in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a@champion"),
        ("models:/a@best", "a@best"),
        ("a/3", "a/3"),
        ("models:/a/12", "a/12"),
    ],
)
def test_the_names_of_a_version(text, expected):
    assert str(parse_reference(text)) == expected
