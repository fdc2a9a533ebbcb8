import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.data.dataset import read_classes
from classification.data.near_duplicates import crop_thumbnails
from classification.data.table import read_table
from classification.errors import FieldmarkError
from classification.evaluation.mislabels import (
    confident_learning,
    neighbour_probs,
    run_probs,
    suspects,
)
from classification.files import write_json
from classification.paths import DatasetPaths, RunPaths
from tests.runs import write_run
from tests.tiny import make_dataset


def certain(labels, classes):
    return np.where(np.eye(classes)[labels] == 1, 0.9, 0.1 / (classes - 1))


@given(st.integers(0, 1000))
def test_swapped_labels_are_found_and_what_they_were_is_suggested(seed):
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.arange(60) % 3)
    labels = truth.copy()
    wrong = rng.choice(60, 4, replace=False)
    labels[wrong] = (labels[wrong] + 1) % 3
    rows, suggested, margin = confident_learning(certain(truth, 3), labels)
    assert sorted(rows) == sorted(wrong)
    assert (suggested == truth[rows]).all()
    assert np.allclose(margin, 0.85)


def test_the_suspects_are_those_of_cleanlab():
    """Off-diagonal items of cleanlab 2.9.0's confident joint; equal on 200 larger random sets."""
    rng = np.random.default_rng(7)
    truth = np.arange(40) % 4
    given = truth.copy()
    given[::7] = (given[::7] + 1) % 4
    probs = rng.dirichlet(np.ones(4), size=40)
    probs[np.arange(40), truth] += 0.6
    rows, _, _ = confident_learning(probs / probs.sum(axis=1, keepdims=True), given)
    assert sorted(rows) == [0, 7, 14, 21, 23, 27, 28, 30]


def test_the_widest_margin_comes_first_and_unknown_labels_never():
    probs = np.array([[0.9, 0.1], [0.2, 0.8], [0.05, 0.95], [0.9, 0.1], [0.1, 0.9], [np.nan] * 2])
    rows, _, margin = confident_learning(probs, np.array([0, 0, 0, -1, 1, 0]))
    assert rows.tolist() == [2]
    assert margin == pytest.approx([0.9])


def test_a_class_that_the_model_is_shy_of_needs_less():
    """The model gives class 1 at most 0.6: an item with 0.6 is as sure as it gets."""
    probs = np.array([[0.9, 0.1]] * 5 + [[0.4, 0.6]] * 5 + [[0.4, 0.6]])
    rows, suggested, _ = confident_learning(probs, np.array([0] * 5 + [1] * 5 + [0]))
    assert (rows.tolist(), suggested.tolist()) == ([10], [1])


@pytest.mark.parametrize("labels", [[], [-1, -1]])
def test_without_labels_nothing_is_suspect(labels):
    probs = np.full((len(labels), 2), 0.5)
    rows, suggested, margin = confident_learning(probs, np.array(labels, dtype=int))
    assert len(rows) == len(suggested) == len(margin) == 0


def test_neighbours_vote_without_the_picture_itself():
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 255, (2, 256))
    truth = np.arange(40) % 2
    pictures = np.clip(kinds[truth] + rng.normal(0, 5, (40, 256)), 0, 255).astype(np.uint8)
    labels = truth.copy()
    labels[7], labels[8] = 1 - labels[7], -1
    probs = neighbour_probs(pictures, labels, classes=2, neighbours=5)
    assert probs[7, truth[7]] == 1  # its own label has no vote
    assert np.isnan(probs[8]).all()
    assert np.allclose(np.delete(probs, 8, axis=0).sum(axis=1), 1)
    assert confident_learning(probs, labels)[0].tolist() == [7]


@pytest.mark.parametrize("labels", [[-1, -1, -1], [0, -1, -1]])
def test_nobody_votes_where_nobody_else_has_a_label(labels):
    pictures = np.zeros((3, 256), dtype=np.uint8)
    assert np.isnan(neighbour_probs(pictures, np.array(labels), classes=2)).all()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A dataset, the folder of a run on it, what that learned from, and the item it doubts."""
    root = tmp_path_factory.mktemp("mislabels")
    paths = make_dataset(root / "data")
    table, classes = read_table(paths.table), read_classes(paths.label_index)
    doubted = table["path"].iloc[-1]
    learned = write_run(root / "run", paths.root, wrong=doubted)
    return table, classes, root / "run", learned, doubted


def test_a_run_is_not_asked_about_what_it_learned(run):
    table, classes, folder, learned, _ = run
    probs = run_probs(folder, items=table["path"], classes=classes)
    assert probs.shape == (len(table), len(classes))
    unknown = np.isnan(probs).all(axis=1)
    assert sorted(table["path"][unknown]) == sorted(learned)


def test_suspects_name_the_item_its_label_and_the_suggestion(run):
    table, classes, folder, _, doubted = run
    found = suspects(
        table, run_probs(folder, items=table["path"], classes=classes), classes=classes
    )
    assert list(found) == ["path", "label", "suggestion", "margin", "location"]
    assert found["path"].tolist() == [doubted]
    label = table["label"].iloc[-1]
    assert found["label"].tolist() == [label]
    assert found["suggestion"].tolist() == [classes[(classes.index(label) + 1) % len(classes)]]
    assert found.index.tolist() == [table.index[-1]]


def test_a_table_without_suspects_is_an_empty_table(run):
    table, classes, *_ = run
    truth = np.array([classes.index(label) for label in table["label"]])
    found = suspects(table, certain(truth, len(classes)), classes=classes)
    assert found.empty
    assert list(found) == ["path", "label", "suggestion", "margin", "location"]


def test_a_run_without_a_model_says_so(run, tmp_path):
    table, classes, *_ = run
    write_json(RunPaths(tmp_path).round(0).metrics, {"round": 0})  # a start without predictions
    with pytest.raises(FieldmarkError, match="no complete round with predictions: train first"):
        run_probs(tmp_path, items=table["path"], classes=classes)


def test_a_run_of_other_classes_is_refused(run):
    table, classes, folder, *_ = run
    with pytest.raises(FieldmarkError, match="lacks p_okapi"):
        run_probs(folder, items=table["path"], classes=(*classes, "okapi"))


def test_look_alikes_of_real_crops_find_a_label_made_wrong(run):
    """Coloured shapes: the ten most alike are of the same class more often than not."""
    table, classes, folder, *_ = run
    paths = DatasetPaths(folder.parent / "data")
    pictures = crop_thumbnails(table, paths.crops, paths.crop_thumbnails)
    labels = np.array([classes.index(label) for label in table["label"]])
    right = neighbour_probs(pictures, labels, classes=len(classes)).argmax(axis=1) == labels
    assert right.mean() > 0.6
