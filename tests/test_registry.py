import dataclasses
import functools
import json
import shutil
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from classification.config import TrackingConfig
from classification.files import read_json, write_json
from classification.paths import ExportPaths, RunPaths
from classification.registry import beats, champion_of, register_version, save_program
from classification.tracking import make_tracker
from classification.tracking_store import quiet

CLASSES = ("deer", "fox", "puma", "élan")
SIZE = 64
TEST = {"accuracy": 0.75, "macro_f1": 0.7, "n": 40}


def make_export(folder, backbone="squeezenet1_1"):
    """A small real model, untrained, whose third class was never seen."""
    from classification.learning.backbones import build_backbone, embedding_size
    from classification.learning.crops import Preprocessing
    from classification.learning.head import Head
    from classification.learning.model import Card, Classifier, save_export

    network = build_backbone(backbone, "none", seed=0)
    dim, rng = embedding_size(network, SIZE), np.random.default_rng(0)
    card = Card(
        backbone=backbone,
        weights="none",
        weights_sha256="ab" * 32,
        trained_with=0,
        seed=0,
        dim=dim,
        preprocessing=Preprocessing(
            image_size=SIZE, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
        ),
        classes=CLASSES,
        seen=("deer", "fox", "élan"),
        num_labels=40,
        round=2,
        data={"table": "ab" * 32, "test_split": "ef" * 32},
    )
    head = Head(
        mean=rng.random(dim, dtype=np.float32),
        scale=rng.random(dim, dtype=np.float32) + 0.5,
        weight=rng.random((3, dim), dtype=np.float32) / 10,
        bias=rng.random(3, dtype=np.float32),
        classes=np.array([0, 1, 3]),
    )
    save_export(ExportPaths(folder), Classifier(backbone=network, head=head, card=card))
    return ExportPaths(folder)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return make_export(tmp_path_factory.mktemp("model") / "export")


@pytest.fixture(scope="module")
def program(tmp_path_factory, export):
    """What `save_program` makes of it: seconds of torch.export, spent once."""
    folder = tmp_path_factory.mktemp("model") / "program"
    with quiet():
        save_program(export, folder)
    return folder


@pytest.fixture
def client(mlflow_store, program, monkeypatch):
    """A client, with an experiment to register from; tracing is already done."""
    monkeypatch.setattr(
        "classification.registry.save_program", lambda _, folder: shutil.copytree(program, folder)
    )
    with quiet():
        import mlflow
        from mlflow import MlflowClient

        mlflow.set_tracking_uri(mlflow_store)  # as a user does who loads a model
        yield MlflowClient(mlflow_store)
        mlflow.set_tracking_uri(None)


@pytest.fixture
def new_run(client, tmp_path):
    experiment = client.create_experiment("demo", artifact_location=(tmp_path / "art").as_uri())
    return lambda: client.create_run(experiment)


def changed(export, folder, **values):
    """The same model with another card."""
    shutil.copytree(export.root, folder)
    copy = ExportPaths(folder)
    write_json(copy.card, read_json(copy.card, what="card") | values)
    return copy


def version_at(client, alias):
    return str(client.get_model_version_by_alias("critters", alias).version)


def test_the_first_model_is_champion_and_carries_what_its_users_need(client, new_run, export):
    run = new_run()
    said = register_version(client, name="critters", run=run, export=export, test=TEST)
    assert said == (
        "registered critters version 1 as challenger and champion: "
        "the first champion, macro-F1 0.700"
    )
    version = client.get_model_version_by_alias("critters", "champion")
    assert version_at(client, "challenger") == "1"
    assert version.run_id == run.info.run_id
    assert json.loads(version.tags["classes"]) == list(CLASSES)
    assert json.loads(version.tags["preprocessing"])["image_size"] == SIZE
    assert version.tags["data.test_split"] == "ef" * 32
    assert (version.tags["num_labels"], version.tags["test.macro_f1"]) == ("40", "0.7")
    kept = {item.path for item in client.list_artifacts(run.info.run_id, "export")}
    assert kept == {"export/model.json", "export/model.safetensors"}
    assert len(client.get_run(run.info.run_id).outputs.model_outputs) == 1


def test_the_registered_model_gives_the_probabilities_of_the_classifier(
    client, new_run, export, tmp_path, monkeypatch
):
    import mlflow
    import torch

    from classification.learning.crops import CropReader, Inputs, read_square
    from classification.learning.model import load_classifier

    names = [f"{i}.png" for i in range(5)]
    rng = np.random.default_rng(0)
    for name in names:
        shape = (*rng.integers(50, 150, 2), 3)
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / name)
    classifier = load_classifier(export.root)
    inputs = Inputs(
        reader=CropReader(tmp_path, size=SIZE),
        preprocessing=classifier.card.preprocessing,
        device=torch.device("cpu"),
    )
    wanted = classifier.predict(inputs, names, 64)
    images = np.stack([read_square(tmp_path / name, SIZE) for name in names])
    images = images.transpose(0, 3, 1, 2).astype(np.float32) / 255
    register_version(client, name="critters", run=new_run(), export=export, test=TEST)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    general = mlflow.pyfunc.load_model("models:/critters@champion")
    network = mlflow.pytorch.load_model("models:/critters@challenger")
    for n in (1, 2, 5):
        assert general.predict(images[:n]) == pytest.approx(wanted[:n], abs=1e-5)
        with torch.inference_mode():
            answers = network(torch.from_numpy(images[:n])).numpy()
        assert answers == pytest.approx(wanted[:n], abs=1e-5)
    assert (wanted[:, CLASSES.index("puma")] == 0).all()
    signature = general.metadata.signature
    assert signature.inputs.inputs[0].shape == (-1, 3, SIZE, SIZE)
    assert signature.outputs.inputs[0].shape == (-1, len(CLASSES))
    assert general.input_example.shape == (2, 3, SIZE, SIZE)


def test_nothing_in_the_registry_can_run_code(client, new_run, export, tmp_path):
    import torch

    register_version(client, name="critters", run=new_run(), export=export, test=TEST)
    files = [path for path in (tmp_path / "art").rglob("*") if path.is_file()]
    known = {".safetensors", ".json", ".yaml", ".txt", ".pt2", ""}
    assert {path.suffix for path in files} <= known
    (program,) = [path for path in files if path.suffix == ".pt2"]
    with zipfile.ZipFile(program) as archive:
        saved = [name for name in archive.namelist() if name.endswith((".pt", ".pkl", ".pth"))]
        assert saved == ["model/data/sample_inputs/model.pt"]
        with archive.open(saved[0]) as example:  # tensors, or this would raise
            torch.load(example, weights_only=True)


def test_a_model_is_registered_once_for_each_run_and_round(client, new_run, export, tmp_path):
    run = new_run()
    register_version(client, name="critters", run=run, export=export, test=TEST)
    client.set_registered_model_alias("critters", "champion", "1")
    better = TEST | {"macro_f1": 0.8}
    register_version(client, name="critters", run=new_run(), export=export, test=better)
    client.set_registered_model_alias("critters", "champion", "1")  # somebody rolled back
    assert register_version(client, name="critters", run=run, export=export, test=TEST) == ""
    assert (version_at(client, "champion"), version_at(client, "challenger")) == ("1", "2")
    later = changed(export, tmp_path / "later", round=3)
    register_version(client, name="critters", run=run, export=later, test=better)
    assert (version_at(client, "champion"), version_at(client, "challenger")) == ("3", "3")


@pytest.mark.parametrize(
    ("score", "split", "wins"),
    [(0.71, "ef" * 32, True), (0.7, "ef" * 32, False), (0.6, "ef" * 32, False), (0.9, "x", False)],
)
def test_a_challenger_becomes_champion_only_when_it_is_better_on_the_same_test(
    client, new_run, export, tmp_path, score, split, wins
):
    register_version(client, name="critters", run=new_run(), export=export, test=TEST)
    other = changed(export, tmp_path / "other", data={"test_split": split})
    said = register_version(
        client, name="critters", run=new_run(), export=other, test=TEST | {"macro_f1": score}
    )
    assert version_at(client, "challenger") == "2"
    assert version_at(client, "champion") == ("2" if wins else "1")
    assert client.get_model_version("critters", "2").description == said


def test_a_model_that_was_never_tested_does_not_become_champion(client, new_run, export):
    said = register_version(client, name="critters", run=new_run(), export=export, test=None)
    assert said.endswith("as challenger: it was not measured on a test split")
    assert champion_of(client, "critters") is None
    assert champion_of(client, "no such model") is None


RULES = [
    ({"test.macro_f1": "0.5", "data.test_split": "s"}, None, True, "first champion"),
    ({"data.test_split": "s"}, None, False, "not measured"),
    ({"test.macro_f1": "0.5", "data.test_split": "s"}, {}, False, "cannot be compared"),
    (
        {"test.macro_f1": "0.5", "data.test_split": "s"},
        {"test.macro_f1": "0.4", "data.test_split": "t"},
        False,
        "another test split",
    ),
    (
        {"test.macro_f1": "0.5", "data.test_split": "s"},
        {"test.macro_f1": "0.4"},
        False,
        "another test split",
    ),
]


@pytest.mark.parametrize(("tags", "champion", "wins", "why"), RULES)
def test_who_may_be_compared_with_the_champion(tags, champion, wins, why):
    better, reason = beats(tags, champion)
    assert better == wins
    assert why in reason


@given(st.floats(0, 1), st.floats(0, 1))
def test_on_one_test_split_the_higher_score_wins_and_a_draw_keeps_the_champion(new, old):
    def tags(score):
        return {"test.macro_f1": str(score), "data.test_split": "s"}

    assert beats(tags(new), tags(old))[0] == (new > old)


def test_a_registration_killed_at_any_point_is_taken_up_again(client, new_run, export, monkeypatch):
    left = [10**9]

    def mortal(method):
        @functools.wraps(method)
        def call(*args, **kwargs):
            answer = method(*args, **kwargs)
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return answer

        return call

    for name in (
        "log_artifacts",
        "create_logged_model",
        "log_outputs",
        "log_model_artifacts",
        "finalize_logged_model",
        "create_registered_model",
        "create_model_version",
        "set_registered_model_alias",
        "update_model_version",
    ):
        monkeypatch.setattr(client, name, mortal(getattr(client, name)))
    for calls in range(1, 30):
        run, left[0] = new_run(), calls
        name = f"killed after {calls}"
        try:
            register_version(client, name=name, run=run, export=export, test=TEST)
            break
        except KeyboardInterrupt:
            left[0] = 10**9
            register_version(client, name=name, run=run, export=export, test=TEST)
        (version,) = client.search_model_versions(f"name = '{name}'")
        champion = champion_of(client, name)
        assert champion is not None
        assert str(champion.version) == str(version.version) == "1"
        models = client.search_logged_models([run.info.experiment_id])
        assert [m.source_run_id for m in models].count(run.info.run_id) == 1
    assert calls > 9


class Branches:
    """A network that looks at its data, or at the number of images, to decide what to do."""

    def __init__(self, condition):
        from torch import nn

        class Network(nn.Module):
            def forward(self, x):
                pooled = x.mean(dim=(2, 3)).repeat(1, 512)[:, :512]
                return pooled if condition(x) else 2 * pooled

        self.network = Network().eval()


@pytest.mark.parametrize("condition", [lambda x: x.sum() > 0, lambda x: len(x) == 2])
def test_a_network_that_cannot_be_traced_is_named_and_kept_with_the_run(
    mlflow_store, export, tmp_path, monkeypatch, capfd, condition
):
    from classification.learning import model

    whole = model.load_classifier(export.root)
    odd = dataclasses.replace(whole, backbone=Branches(condition).network)
    monkeypatch.setattr(model, "load_classifier", lambda _: odd)
    paths = RunPaths(tmp_path / "runs" / "odd" / "first")
    finish(paths, export)
    make_tracker(TrackingConfig(), paths).register(ExportPaths(paths.export))
    said, errors = capfd.readouterr()
    assert said.startswith("warning: torch.export cannot trace squeezenet1_1 (")
    assert "classification/predict.py" in said
    assert len(said.splitlines()) == 1
    assert errors == ""
    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(mlflow_store)
        assert client.search_registered_models() == []
        run_id = read_json(paths.tracking, what="key")["run_id"]
        assert len(client.list_artifacts(run_id, "export")) == 2


def finish(paths, export):
    """As much of a finished run as registration looks at."""
    shutil.copytree(export.root, paths.export)
    for number in range(3):
        write_json(paths.round(number).metrics, {"test": TEST, "data": {"table": "ab" * 32}})
        write_json(paths.round(number).provenance, {})


def test_the_tracker_registers_under_the_name_of_the_folder(client, export, tmp_path, capfd):
    paths = RunPaths(tmp_path / "runs" / "squeezenet" / "first")
    finish(paths, export)
    tracker = make_tracker(TrackingConfig(), paths)
    tracker.register(ExportPaths(paths.export))
    tracker.register(ExportPaths(paths.export))
    assert capfd.readouterr() == (
        "registered squeezenet-first version 1 as challenger and champion: "
        "the first champion, macro-F1 0.700\n",
        "",
    )
    named = make_tracker(TrackingConfig(register_as="critters"), paths)
    named.register(ExportPaths(paths.export))
    assert "registered critters version 1" in capfd.readouterr().out
