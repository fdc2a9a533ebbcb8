"""From labels to the model of a round: what is trained when, and what the model's files hold."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch

from classification.config import (
    BackboneConfig,
    DataConfig,
    FinetuneConfig,
    HeadConfig,
    LaunchConfig,
    RunConfig,
)
from classification.config_learning import FirstTrainingConfig
from classification.data.dataset import load_dataset
from classification.files import write_json
from classification.learning import round_backbone as module
from classification.learning.embedder import build_embedder
from classification.learning.fit import fit_round, make_bench
from classification.learning.head import save_head
from classification.learning.model import (
    Classifier,
    ProbabilityModel,
    load_classifier,
    save_export,
)
from classification.paths import ExportPaths, RunPaths
from tests.tiny import BACKBONE, SIZE, make_dataset

TRAINED = FinetuneConfig(epochs=1, every=10, batch_size=8)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("tiny") / "data")


@pytest.fixture
def bench(data, tmp_path):
    def make(*, finetune=TRAINED, **backbone):
        config = RunConfig(
            data=DataConfig(dir=str(data.root)),
            backbone=BackboneConfig(
                name=BACKBONE, weights="none", image_size=SIZE, batch_size=8, **backbone
            ),
            finetune=finetune,
            launch=LaunchConfig(device="cpu", threads=2),
        )
        return make_bench(
            config, load_dataset(config.data), RunPaths(tmp_path / "runs" / "x" / "y")
        )

    return make


def fit(bench, n=12, *, number=0, previous=None):
    rows = bench.dataset.rows("train")[:n]
    labels = bench.dataset.labels[rows]
    return fit_round(bench, rows=rows, labels=labels, previous=previous, number=number)


@pytest.mark.parametrize(
    "fields", [{}, {"feat_dim": 16}, {"normalize": True}, {"feat_dim": 8, "normalize": True}]
)
def test_round_folder_export_and_exported_network_are_the_same_model(bench, fields):
    made = bench(**fields)
    fitted = fit(made)
    round_paths, export = made.paths.round(0), ExportPaths(made.paths.export)
    save_head(round_paths.head, fitted.head)
    write_json(round_paths.model, fitted.card.to_json())
    loaded = load_classifier(round_paths.root)
    save_export(export, loaded)
    shutil.rmtree(made.paths.checkpoints)  # the export needs no other file
    exported = load_classifier(export.root)

    paths = made.dataset.paths[:10]
    images = torch.cat(list(made.inputs.reader.batches(paths, 10))).float() / 255
    with torch.inference_mode():
        network = ProbabilityModel(exported).eval()(images).numpy()
    assert fitted.embeddings.shape[1] == (fields.get("feat_dim") or 96)
    for probs in (
        loaded.predict(made.inputs, paths),
        exported.predict(made.inputs, paths),
        network,
    ):
        assert probs == pytest.approx(fitted.probs[:10], abs=1e-5)
    if fields.get("normalize"):
        assert np.linalg.norm(fitted.embeddings, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_trained_projection_goes_on_from_round_to_round(bench):
    made = bench(feat_dim=16)
    first = fit(made, 12)
    later = fit(made, 15, number=1, previous=first.card)  # too few new labels to train again
    assert later.card.weights == first.card.weights
    assert later.card.weights_sha256 == first.card.weights_sha256
    assert np.array_equal(later.embeddings, first.embeddings)
    again = fit(made, 22, number=2, previous=later.card)
    assert again.card.trained_with == 22
    assert again.card.weights_sha256 != first.card.weights_sha256


@pytest.mark.parametrize(
    ("first", "labels", "expected"),
    [
        (FirstTrainingConfig(), [12, 15, 22], ["1e-3", None, "1e-3"]),
        (FirstTrainingConfig(learning_rate=1e-5), [12, 15, 22], ["1e-5", None, "1e-3"]),
        (FirstTrainingConfig(epochs=0), [6, 12, 15, 22], [None, "1e-3", None, "1e-3"]),
    ],
)
def test_the_first_training_and_the_later_ones_have_their_own_recipe(
    bench, monkeypatch, first, labels, expected
):
    used = []
    monkeypatch.setattr(
        module, "finetune", lambda *_, config, **__: used.append(config.learning_rate)
    )
    made = bench(finetune=dataclasses.replace(TRAINED, first=first))
    card = None
    for number, (n, rate) in enumerate(zip(labels, expected, strict=True)):
        used.clear()
        card = fit(made, n, number=number, previous=card).card
        assert used == ([float(rate)] if rate else [])


def test_labels_of_one_class_train_no_backbone(bench):
    made = bench()
    rows = made.dataset.rows("train")
    one = rows[made.dataset.labels[rows] == 1][:5]
    fitted = fit_round(made, rows=one, labels=made.dataset.labels[one], previous=None, number=0)
    assert fitted.card.trained_with == 0
    assert (fitted.probs[:, 1] == 1).all()


def test_a_card_of_an_earlier_version_has_no_projection(bench):
    made = bench()
    fitted = fit(made)
    paths = made.paths.round(0)
    record = fitted.card.to_json()
    del record["feat_dim"], record["normalize"]
    write_json(paths.model, record)
    save_head(paths.head, fitted.head)
    loaded = load_classifier(paths.root)
    assert isinstance(loaded, Classifier)
    assert loaded.predict(made.inputs, made.dataset.paths[:5]) == pytest.approx(
        fitted.probs[:5], abs=1e-5
    )


def test_half_precision_on_disk_gives_nearly_the_same_model(bench):
    frozen = FinetuneConfig(epochs=0)
    whole = fit(bench(finetune=frozen))
    half = fit(bench(finetune=frozen, store="float16"))
    assert half.embeddings.dtype == np.float16
    assert half.probs.dtype == np.float32
    assert half.probs == pytest.approx(whole.probs, abs=0.01)


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_every_kind_of_head_is_exported_with_its_temperature(bench, kind):
    made = bench(finetune=FinetuneConfig(epochs=0))
    head = HeadConfig(kind=kind, hidden=(9, 5), learning_rate=0.01, max_iter=30)
    made = dataclasses.replace(made, config=dataclasses.replace(made.config, head=head))
    fitted = fit(made, 30)
    assert fitted.calibration is None  # 18 validation items are too few to choose by
    warm = dataclasses.replace(fitted.head, temperature=1.9)
    classifier = Classifier(
        backbone=build_embedder(
            BACKBONE, "none", image_size=SIZE, feat_dim=0, normalize=False, seed=0
        ),
        head=warm,
        card=dataclasses.replace(fitted.card, temperature=1.9),
    )
    export = ExportPaths(made.paths.export)
    save_export(export, classifier)
    exported = load_classifier(export.root)
    assert exported.card.head == kind
    paths = made.dataset.paths[:10]
    images = torch.cat(list(made.inputs.reader.batches(paths, 10))).float() / 255
    with torch.inference_mode():
        network = ProbabilityModel(exported).eval()(images).numpy()
    wanted = warm.predict(np.asarray(fitted.embeddings[:10]), 3)
    assert network == pytest.approx(wanted, abs=1e-5)
    assert exported.predict(made.inputs, paths) == pytest.approx(wanted, abs=1e-5)


def test_the_temperature_is_chosen_on_validation_and_can_be_left_out(bench, monkeypatch):
    monkeypatch.setattr("classification.learning.temperature.LEAST", 10)
    made = bench(finetune=FinetuneConfig(epochs=0))
    fitted = fit(made, 30)
    assert fitted.calibration is not None
    assert fitted.calibration.items == 18
    assert fitted.card.temperature == fitted.head.temperature == fitted.calibration.temperature
    head = dataclasses.replace(made.config.head, calibrate=False)
    plain = fit(dataclasses.replace(made, config=dataclasses.replace(made.config, head=head)), 30)
    assert plain.head.temperature == 1
    assert np.array_equal(plain.probs.argmax(axis=1), fitted.probs.argmax(axis=1))
