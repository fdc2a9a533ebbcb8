import time

import numpy as np
import pytest

from classification.app.workbench import workbench
from classification.errors import FieldmarkError
from classification.learning.head import Head
from tests.labelling.made import decision
from tests.learning.blobs import blobs

CLASSES = ("deer", "fox", "owl")


@pytest.fixture
def make_bench(make_state, make_items):
    """A workbench over clouds of points, of which some are labelled, some kept for validation."""

    def make(n=90, *, labelled=45, **changes):
        x, labels = blobs(range(3), n=n, d=6, seed=2)
        known = np.full((n, 3), -1, dtype=np.int8)
        known[:labelled] = np.eye(3, dtype=np.int8)[labels[:labelled]]
        values = {
            "items": make_items(n),
            "classes": CLASSES,
            "known": known,
            "embeddings": x,
            "probs": None,
        }
        state = make_state(n, **(values | changes))
        state.validation[10:25] = True
        bench = workbench(state)
        bench.recipe = bench.recipe.but(epochs=2, samples_per_epoch=256, learning_rate=3e-2)
        return bench, labels

    return make


def test_training_gives_predictions_scores_and_a_head(make_bench):
    bench, labels = make_bench()
    state, heard = bench.state, []
    state.watch(heard.append)
    bench.train()
    bench.wait()
    assert bench.training.problem == ""
    assert bench.training.text == "trained for 16 of 16 steps"
    assert heard == ["predictions"]
    assert (state.probs.argmax(axis=1) == labels).mean() > 0.9
    assert bench.losses.labelled[0] > bench.losses.labelled[-1]
    assert len(bench.losses.held_out) == 2
    assert bench.scores.validation_accuracy > 0.9
    assert [c.validation.auc > 0.9 for c in bench.scores.classes] == [True] * 3
    assert isinstance(state.head, Head)
    assert np.allclose(state.head.predict(state.embeddings, 3), state.probs, atol=1e-5)


def test_predictions_wait_where_they_are_not_to_be_updated(make_bench):
    bench, _ = make_bench()
    bench.train(update=False)
    bench.wait()
    assert bench.state.probs is None
    assert bench.scores is not None
    bench.take_over()
    assert bench.state.probs is not None
    assert bench.waiting is None


def test_validation_test_and_excluded_items_teach_nothing(make_bench, make_items):
    """Their labels are wrong on purpose: a model that looked would be worse."""
    items = make_items(90)
    items.split[25:35] = "test"
    bench, labels = make_bench(items=items)
    state = bench.state
    wrong = np.roll(np.eye(3, dtype=np.int8), 1, axis=1)
    state.marks.values[25:35] = wrong[labels[25:35]]
    names = state.items.names
    state.decide([decision(names[i], None, verdict="exclude") for i in range(35, 40)])
    bench.train()
    bench.wait()
    assert (state.probs.argmax(axis=1) == labels).mean() > 0.9
    counted = sum(
        c.train.positive.sum() + c.validation.positive.sum() for c in bench.scores.classes
    )
    assert counted == 30


def test_an_error_is_told_and_changes_nothing(make_bench):
    bench, _ = make_bench()
    bench.state.set_predictions(np.full((90, 3), 1 / 3, np.float32))
    bench.recipe = bench.recipe.but(learning_rate=1e30, weight_decay=0.0, layers="8,r")
    bench.train()
    bench.wait()
    assert not bench.busy
    assert bench.training.text == "failed; nothing was changed"
    assert "the loss is no longer a number. Lower the learning rate" in bench.training.problem
    assert (bench.state.probs == np.float32(1 / 3)).all()


def test_stopped_it_keeps_what_it_learned_and_people_label_meanwhile(make_bench):
    bench, labels = make_bench()
    bench.recipe = bench.recipe.but(epochs=100_000, patience=100_000)
    bench.train()
    with pytest.raises(FieldmarkError, match="a training is running; wait until it is done"):
        bench.propagate()
    state = bench.state
    state.decide([decision(state.items.names[80], "owl")])
    while bench.losses.steps < 30:
        assert bench.busy, bench.training.problem
        time.sleep(0.02)
    bench.stop()
    bench.wait()
    assert bench.training.text.startswith("stopped after ")
    assert (state.probs.argmax(axis=1) == labels).mean() > 0.9
    assert state.marks.labels[80] == 2


def test_several_classes_per_image_partly_known(make_state, make_items):
    rng = np.random.default_rng(0)
    present = rng.integers(0, 2, (80, 3))
    x = (3 * present @ rng.normal(size=(3, 8)) + 0.1 * rng.normal(size=(80, 8))).astype(np.float32)
    known = np.where(rng.random((80, 3)) < 0.5, present, -1).astype(np.int8)
    state = make_state(
        80, items=make_items(80), known=known, embeddings=x, probs=None, several=True
    )
    bench = workbench(state)
    assert bench.recipe.fixmatch.output == "sigmoid"
    bench.recipe = bench.recipe.but(epochs=8, samples_per_epoch=256, learning_rate=3e-2)
    bench.train()
    bench.wait()
    assert bench.training.problem == ""
    assert ((state.probs >= 0.5) == present).mean() > 0.9
    bench.propagate()
    bench.wait()
    assert bench.guesses.several
    assert bench.guesses.certainty.shape == (80, 3)


def test_feature_maps_are_learned_from_where_there_are_any(make_bench):
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    maps = rng.normal(size=(90, 4, 4, 5)).astype(np.float16)
    maps[np.arange(90), 1, 2, labels] += 6
    known = np.full((90, 3), -1, dtype=np.int8)
    known[:60] = np.eye(3, dtype=np.int8)[labels[:60]]
    bench, _ = make_bench(feature_maps=maps, known=known)
    for fields in ({"pooling": "max"}, {"layers": "16,p", "kernel_size": 1}):
        bench.recipe = bench.recipe.but(epochs=20, patience=20, weight=0.0, **fields)
        bench.train()
        bench.wait()
        assert bench.training.problem == ""
        assert (bench.state.probs.argmax(axis=1) == labels).mean() > 0.8
        assert bench.state.head is None


def test_what_is_missing_is_said(make_bench, make_state):
    bench, _ = make_bench(labelled=0)
    for begin in (bench.train, bench.propagate):
        with pytest.raises(FieldmarkError, match="show 0 of 3 classes; label items of two"):
            begin()
    without = workbench(make_state(12, model=False))
    with pytest.raises(FieldmarkError, match="no embeddings to learn from; run"):
        without.train()
    bench.settle("Model", "layers are wrong")
    with pytest.raises(FieldmarkError, match="Model: layers are wrong"):
        bench.train()
    with pytest.raises(FieldmarkError, match="show 0 of 3"):  # propagation has no layers
        bench.propagate()
    bench.settle("Model", "")
    with pytest.raises(FieldmarkError, match="show 0 of 3"):
        bench.train()


def test_a_class_added_while_it_trains_has_a_column_of_its_own(make_bench):
    bench, _ = make_bench()
    bench.train()
    bench.state.add_class("badger")
    bench.wait()
    assert bench.training.problem == ""
    assert bench.state.probs.shape == (90, 4)
    assert [c.name for c in bench.scores.classes] == list(CLASSES)


def test_labels_spread_and_the_graph_is_made_once(make_bench):
    bench, labels = make_bench()
    bench.propagate()
    bench.wait()
    assert bench.propagation.problem == ""
    assert (bench.guesses.top == labels).mean() > 0.9
    assert bench.guesses.sureness[:10].tolist() == [1] * 10
    assert (bench.guesses.sureness[10:25] < 1).all()
    assert bench.guesses.right(bench.state.marks.values, bench.state.validation) > 0.9
    bench.state.embeddings[:] = 0  # the graph of before serves
    bench.propagate()
    bench.wait()
    assert (bench.guesses.top == labels).mean() > 0.9


def test_there_is_one_workbench_for_all_browsers(make_bench):
    bench, _ = make_bench()
    assert workbench(bench.state) is bench


def test_a_new_round_brings_embeddings_and_a_model_of_its_own(make_bench):
    bench, labels = make_bench()
    bench.propagate()
    bench.wait()
    state, rng = bench.state, np.random.default_rng(0)
    bench.train()
    bench.wait()
    trained = bench.scores
    state.embeddings = np.eye(3, dtype=np.float32)[labels] + rng.normal(0, 0.1, (90, 3)).astype(
        "f4"
    )
    state.set_predictions(np.full((90, 3), 1 / 3, np.float32))
    assert bench.scores is not trained
    for begin, report in ((bench.propagate, bench.propagation), (bench.train, bench.training)):
        begin()
        bench.wait()
        assert report.problem == ""
    assert (bench.guesses.top == labels).mean() > 0.9
    assert state.head.weights[0].shape == (3, 3)


def test_a_head_of_embeddings_that_were_replaced_meanwhile_is_not_taken(make_bench):
    bench, _ = make_bench()
    bench.train()
    bench.state.embeddings = np.zeros((90, 2), np.float32)
    bench.wait()
    assert bench.state.probs is not None
    assert bench.state.head is None
