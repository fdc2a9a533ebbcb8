"""`run_active_learning` on small image folders, answered as Timelapse answers."""

import inspect
import json
import logging
import shutil

import numpy as np
import pandas as pd
import pytest
from onnx import load as load_onnx
from onnx.reference import ReferenceEvaluator

import classification
from classification.active_learning import run_active_learning
from classification.config_active_learning import ActiveLearningOptions
from classification.errors import FieldmarkError
from classification.labelling.timelapse.exchange import SUCCESS
from classification.learning.model import load_classifier
from tests.image_folders import Layout, add, answer, give_back, make_layout, ticked, truth

# The list that people's programs rely on; see the parameters' documentation.
KEPT = {
    "validation_data": None, "validate_model": True, "use_checkpoints": True, "num_workers": 0,
    "active_batch": 100, "active_learning_strategy": "margin", "output_dir": "default",
    "use_pretrained": True, "embedding_arch": "resnet18", "embedding_loss_type": "triplet",
    "embedding_loss_margin": 1.0, "embedding_loss_data_strategy": "random",
    "normalize_embedding": True, "feat_dim": 256, "extract_embedding_batch_size": 256,
    "embedding_finetuning_period": 2000, "embedding_finetuning_lr": 0.0001,
    "embedding_finetuning_weight_decay": 0, "embedding_finetuning_num_epochs": 20,
    "embedding_finetuning_loader_type": "balanced", "embedding_train_lr": 0.00001,
    "embedding_train_weight_decay": 0.0005, "embedding_train_num_epochs": 5,
    "embedding_train_loader_type": "single", "balanced_loader_num_classes": 20,
    "balanced_loader_num_samples": 10,
}  # fmt: skip


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A run that waits for the labels of its first five images."""
    layout = make_layout(tmp_path_factory.mktemp("begun"))
    progress = run_active_learning(**layout.options())
    return layout, progress


@pytest.fixture
def waiting(begun, tmp_path):
    """A copy of it."""
    shutil.copytree(begun[0].root, tmp_path / "run")
    return Layout(tmp_path / "run")


def test_names_and_defaults_are_those_of_the_older_tool():
    parameters = inspect.signature(run_active_learning).parameters
    defaults = {k: p.default for k, p in parameters.items()}
    assert list(parameters)[: len(KEPT) + 2] == ["train_data", "unlabelled_data", *KEPT]
    assert {k: defaults[k] for k in KEPT} == KEPT
    assert classification.run_active_learning is run_active_learning
    assert "run_active_learning" in run_active_learning.__name__


def test_a_call_without_labels_says_what_it_waits_for(begun):
    layout, progress = begun
    assert progress.rounds == 1
    assert not progress.finished
    assert len(progress.waiting) == 5
    assert sorted(progress.waiting) == sorted(ticked(layout))
    assert all((layout.unlabelled / item).is_file() for item in progress.waiting)
    selector = pd.read_csv(progress.request)
    assert list(selector.columns) == ["File", "RelativePath", "Selected"]
    assert len(selector) == 10  # the pool alone: training images are not in Timelapse's folder
    assert progress.answers.is_dir()


def test_the_folder_holds_what_people_look_for(begun):
    layout, _ = begun
    files = layout.files
    results = files.test_results(12)
    scores = json.loads(results.metrics.read_text())
    assert 0 <= scores["macro_recall"] <= 1
    assert scores["accuracy"] == scores["micro_precision"] == scores["test"]["accuracy"]
    with np.load(results.confusion_array) as arrays:
        assert arrays["confusion"].sum() == 9
        assert arrays["classes"].tolist() == ["cat", "deer", "fox"]
    assert results.confusion_figure.read_bytes().startswith(b"\x89PNG")
    assert files.embedding.exists()
    assert files.classifier.exists()
    assert json.loads(files.onnx.classes.read_text()) == ["cat", "deer", "fox"]


def test_the_onnx_networks_give_the_probabilities_of_the_model(begun):
    layout, _ = begun
    export = layout.files.onnx
    classifier = load_classifier(export.root)
    side = classifier.card.preprocessing.image_size
    images = np.random.default_rng(0).random((3, 3, side, side), dtype=np.float32)
    embed, head = (ReferenceEvaluator(load_onnx(p)) for p in (export.embedding, export.head))
    embeddings = embed.run(None, {"image": images})[0]
    probs = head.run(None, {"embedding": embeddings})[0]
    assert embeddings.shape == (3, 8)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose(probs, classifier.head.predict(embeddings, 3), atol=1e-4)
    with np.load(export.scaler) as scaler:
        np.testing.assert_array_equal(scaler["mean"], classifier.head.mean)


def test_labels_lead_to_the_next_round_and_to_the_end_of_the_pool(waiting, capsys):
    first = answer(waiting, "1.csv")
    progress = run_active_learning(**waiting.options())
    assert SUCCESS in capsys.readouterr().out
    assert progress.rounds == 2
    assert not set(progress.waiting) & set(first)
    train = pd.read_csv(waiting.files.round(1).train)
    assert len(train) == 17
    asked = train[train["round"] == 0]
    assert {row.path: row.label for row in asked.itertuples()} == {i: truth(i) for i in first}
    assert waiting.files.test_results(17).metrics.exists()
    answer(waiting, "2.csv")
    progress = run_active_learning(**waiting.options())
    assert progress.finished
    assert progress.waiting == ()
    card = json.loads(waiting.files.onnx.card.read_text())
    assert card["num_labels"] == 22

    later = add(waiting.unlabelled / "cam7", "fox", 77)  # a finished run whose folder grew
    progress = run_active_learning(**waiting.options())
    assert progress.waiting == (later.relative_to(waiting.unlabelled).as_posix(),)


def test_an_open_request_is_offered_again_though_the_folders_grew(begun, waiting, caplog):
    add(waiting.unlabelled / "cam5", "cat", 55)
    add(waiting.train / "wolf", "fox", 56)
    add(waiting.validation / "fox", "fox", 57)
    before = [p.read_bytes() for p in sorted(waiting.files.round(0).root.iterdir())]
    (waiting.files.root / "timelapse_selector.csv").unlink()
    with caplog.at_level(logging.WARNING):
        progress = run_active_learning(**waiting.options(feat_dim=16, seed=3))
    assert progress.waiting == begun[1].waiting
    assert set(ticked(waiting)) == set(progress.waiting)
    assert [p.read_bytes() for p in sorted(waiting.files.round(0).root.iterdir())] == before
    text = caplog.text
    assert "feat_dim: was 8, now 16" in text
    assert "seed: was 0, now 3" in text
    assert "1 new images in validation_data" in text

    asked = ticked(waiting)
    give_back(waiting, {i: "zebra" if i == asked[0] else truth(i) for i in asked}, "1.csv")
    run_active_learning(**waiting.options())
    metrics = json.loads(waiting.files.round(1).metrics.read_text())
    assert metrics["classes"] == ["cat", "deer", "fox", "wolf", "zebra"]
    assert metrics["num_labels"] == 18  # twelve, five answers and the wolf
    assert metrics["test"]["n"] == 9
    assert metrics["num_pool"] == 6


def test_a_killed_round_is_played_again_the_same(waiting):
    answer(waiting, "1.csv")
    run_active_learning(**waiting.options())
    played = waiting.files.round(1)
    made = (played.head, played.query, played.predictions)
    before = [path.read_bytes() for path in made]
    played.metrics.unlink()  # as if it had been killed before the last write
    shutil.rmtree(waiting.files.test_results(12).root)  # or before the results of a round
    run_active_learning(**waiting.options())
    assert [path.read_bytes() for path in made] == before
    assert waiting.files.test_results(12).metrics.exists()


def test_someone_presses_enter(waiting, monkeypatch):
    calls = []

    def press_enter(_prompt):
        if len(calls) == 2:
            raise EOFError
        calls.append(answer(waiting, f"{len(calls)}.csv"))
        return ""

    monkeypatch.setattr("builtins.input", press_enter)
    progress = run_active_learning(**waiting.options(wait="enter"))
    assert progress.finished
    assert [len(asked) for asked in calls] == [5, 5]


@pytest.fixture
def no_export(monkeypatch):
    """Without the seconds of torch.export."""
    monkeypatch.setattr("classification.publish.publish_model", lambda _paths: None)


@pytest.mark.usefixtures("no_export")
def test_starting_afresh_sets_everything_aside(waiting):
    answer(waiting, "1.csv")
    run_active_learning(**waiting.options())
    progress = run_active_learning(**waiting.options(use_checkpoints=False))
    assert progress.rounds == 1
    aside = next(waiting.files.previous.iterdir())
    assert {"rounds", "labels.db", "new_labels_bin", "data", "test_results"} <= {
        p.name for p in aside.iterdir()
    }


def test_all_faults_come_together_in_the_names_of_the_parameters(waiting):
    with pytest.raises(FieldmarkError) as caught:
        run_active_learning(
            **waiting.options(
                active_learning_strategy="margn",
                active_batch=0,
                embedding_loss_type="tripletto",
                embedding_loss_data_strategy="hard_pair",
                device="cpu",
            )
        )
    text = str(caught.value)
    assert "active_learning_strategy: 'margn' is unknown; allowed: auto" in text
    assert "active_batch: 0 is below 1" in text
    assert "embedding_loss_type: 'tripletto' is unknown; allowed: softmax, triplet" in text


def test_values_of_another_type_come_together(waiting):
    with pytest.raises(FieldmarkError) as caught:
        run_active_learning(
            **waiting.options(
                train_data=5,
                validate_model="no",
                active_batch="5",
                feat_dim=2.5,
                embedding_loss_margin=float("nan"),
                output_dir=None,
            )
        )
    assert [line.strip(" -") for line in str(caught.value).splitlines()[1:]] == [
        "train_data is 5; give the path of a folder or file",
        "validate_model is 'no'; give True or False",
        "active_batch is '5'; give a whole number",
        "output_dir is None; give the path of a folder or file",
        "embedding_loss_margin is nan; give a finite number",
        "feat_dim is 2.5; give a whole number",
    ]


def test_a_strategy_whose_option_cannot_be_given_is_refused_before_anything_is_trained(waiting):
    with pytest.raises(FieldmarkError, match="active_learning_strategy: 'class_high'"):
        run_active_learning(**waiting.options(active_learning_strategy="class_high"))


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("train/fox", "lies in train_data"),
        ("validation/out", "lies in validation_data"),
        ("unlabelled", "lies in unlabelled_data"),
        ("train/fox/fox_0.jpg", "is a file; give a folder"),
    ],
)
def test_what_the_run_writes_is_not_mixed_with_the_images(waiting, output, expected):
    before = sorted(waiting.root.rglob("*"))
    with pytest.raises(FieldmarkError, match=expected):
        run_active_learning(**waiting.options(output_dir=waiting.root / output))
    assert sorted(waiting.root.rglob("*")) == before


def test_images_where_the_run_keeps_its_record_are_refused_and_stay(waiting):
    project = waiting.root / "project"
    shutil.copytree(waiting.train, project / "data" / "train")
    with pytest.raises(FieldmarkError, match="project/data, which the run writes"):
        run_active_learning(
            **waiting.options(
                train_data=project / "data" / "train", output_dir=project, use_checkpoints=False
            )
        )
    assert (project / "data" / "train" / "fox").is_dir()


@pytest.mark.usefixtures("no_export")
def test_without_validation_nothing_is_tested(tmp_path):
    layout = make_layout(tmp_path, pool=4)
    run_active_learning(**layout.options(validate_model=False))
    assert json.loads(layout.files.round(0).metrics.read_text())["test"] is None
    assert not layout.files.test_results(12).root.exists()


def test_every_field_has_its_documentation():
    from classification.cli import field_docs

    docs = field_docs(ActiveLearningOptions)
    assert all(docs[name] for name in inspect.signature(ActiveLearningOptions).parameters)
