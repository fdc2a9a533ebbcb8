import numpy as np
import pytest
import torch
from torch import nn

from classification.errors import FieldmarkError
from classification.learning.fixmatch import fit_fixmatch
from classification.learning.fixmatch_config import FixMatchConfig
from classification.learning.fixmatch_data import class_targets

QUICK = {"epochs": 4, "samples_per_epoch": 512, "learning_rate": 2e-2}


def blobs(n=300, classes=3, d=10, spread=0.4, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    x = 2 * np.eye(d)[labels] + spread * rng.normal(size=(n, d))
    return x.astype(np.float32), labels


def few(labels, per_class):
    """Only the first few labels of each class."""
    known = np.full_like(labels, -1)
    for c in np.unique(labels):
        known[np.flatnonzero(labels == c)[:per_class]] = c
    return known


def accuracy(model, x, labels):
    return (model.predict(x).argmax(axis=1) == labels).mean()


@pytest.mark.parametrize("hidden", [(), (16,)])
def test_it_learns_from_four_labels_per_class_and_from_the_rest_without(hidden):
    x, labels = blobs()
    targets = class_targets(few(labels, 4), 3)
    options = {**QUICK, "epochs": 20, "hidden": hidden}
    model = fit_fixmatch(x, targets, config=FixMatchConfig(**options), seed=0)
    alone = fit_fixmatch(x, targets, config=FixMatchConfig(weight=0.0, **options), seed=0)
    assert accuracy(model, x, labels) > 0.98
    assert accuracy(model, x, labels) > accuracy(alone, x, labels)
    assert np.allclose(model.predict(x).sum(axis=1), 1, atol=1e-5)


def test_unlabelled_items_move_the_boundary_into_the_gap():
    """Two long clusters, a label at one end of each: only the unlabelled show where they run."""
    rng = np.random.default_rng(0)
    along, side = rng.uniform(0, 4, 600), np.repeat([0, 1], 300)
    x = np.column_stack([along, 1.2 * side + 0.08 * rng.normal(size=600)]).astype(np.float32)
    labels = np.full(600, -1)
    labels[np.argmin(along[:300])], labels[300 + np.argmax(along[300:])] = 0, 1
    scores = []
    for weight in (0.0, 1.0):
        config = FixMatchConfig(
            weight=weight, threshold=0.7, epochs=20, samples_per_epoch=256, learning_rate=1e-2
        )
        model = fit_fixmatch(x, class_targets(labels, 2), config=config, seed=0)
        scores.append(accuracy(model, x, side))
    assert scores[1] > scores[0]


def test_several_classes_per_item_partly_known():
    rng = np.random.default_rng(0)
    present = rng.integers(0, 2, (400, 4))
    x = (present @ rng.normal(size=(4, 12)) + 0.2 * rng.normal(size=(400, 12))).astype(np.float32)
    targets = present.astype(object)
    targets[rng.random((400, 4)) < 0.8] = None
    config = FixMatchConfig(output="sigmoid", label_smoothing=0.1, **QUICK)
    model = fit_fixmatch(x, targets, config=config, seed=0)
    assert ((model.predict(x) > 0.5) == present).mean() > 0.95


def test_unlabelled_items_outside_the_pool_take_no_part():
    x, labels = blobs()
    targets = class_targets(few(labels, 4), 3)
    nobody = np.zeros(300, dtype=bool)
    without = fit_fixmatch(x, targets, config=FixMatchConfig(**QUICK), seed=0, pool=nobody)
    alone = fit_fixmatch(x, targets, config=FixMatchConfig(weight=0, **QUICK), seed=0)
    assert np.array_equal(without.predict(x), alone.predict(x))


def test_feature_maps_with_a_network_of_ones_own():
    x, labels = blobs(n=120, d=9)
    maps = np.repeat(x.reshape(-1, 1, 3, 3), 2, axis=1)
    network = nn.Sequential(nn.Conv2d(2, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    model = fit_fixmatch(
        maps,
        class_targets(few(labels, 10), 3),
        config=FixMatchConfig(**QUICK),
        seed=0,
        network=network,
    )
    assert accuracy(model, maps, labels) > 0.8
    with pytest.raises(FieldmarkError, match="cannot become a head"):
        model.head(np.arange(3))


def test_progress_is_told_and_can_be_stopped():
    x, labels = blobs()
    told = []

    def on_step(progress):
        told.append(progress)
        return len(told) < 5

    model = fit_fixmatch(
        x,
        class_targets(few(labels, 5), 3),
        config=FixMatchConfig(**QUICK),
        seed=0,
        on_step=on_step,
    )
    assert [p.step for p in told] == [1, 2, 3, 4, 5]
    assert model.predict(x[:0]).shape == (0, 3)
    assert told[0].steps == 64
    assert all(np.isfinite([p.labelled, p.unlabelled]).all() and 0 <= p.used <= 1 for p in told)
    assert model.predict(x).shape == (300, 3)


def test_it_stops_when_held_out_items_get_no_better_and_keeps_the_best():
    x, labels = blobs(spread=3.0)  # overlapping: later epochs overfit
    mask = np.arange(300) < 40
    told = []
    config = FixMatchConfig(
        epochs=200, samples_per_epoch=128, patience=3, learning_rate=3e-2, weight=0, hidden=(64,)
    )
    model = fit_fixmatch(
        x, class_targets(labels, 3), config=config, seed=0, mask=mask, on_step=told.append
    )
    assert told[-1].step < told[-1].steps
    assert model.held_out == min(p.held_out for p in told if p.held_out is not None)


def test_the_same_seed_gives_the_same_model_whatever_is_drawn_elsewhere():
    x, labels = blobs()
    targets = class_targets(few(labels, 5), 3)
    first = fit_fixmatch(x, targets, config=FixMatchConfig(**QUICK), seed=3)
    torch.rand(7)
    again = fit_fixmatch(x, targets, config=FixMatchConfig(**QUICK), seed=3)
    other = fit_fixmatch(x, targets, config=FixMatchConfig(**QUICK), seed=4)
    assert np.array_equal(first.predict(x), again.predict(x))
    assert not np.array_equal(first.predict(x), other.predict(x))


@pytest.mark.parametrize("hidden", [(), (8, 5)])
def test_a_softmax_becomes_a_head_of_the_classes_seen(hidden):
    x, labels = blobs()
    labels = np.array([0, 2, 5])[labels]
    config = FixMatchConfig(hidden=hidden, **QUICK)
    model = fit_fixmatch(x, class_targets(few(labels, 5), 7), config=config, seed=0)
    head = model.head(np.array([0, 2, 5]))
    seen = model.predict(x)[:, [0, 2, 5]]
    probs = head.predict(x, 7)
    assert np.allclose(probs[:, [0, 2, 5]], seen / seen.sum(axis=1, keepdims=True), atol=1e-4)


def one_class(x, t):
    return x, t[:5]


def with_nan(x, t):
    x = x.copy()
    x[[4, 9], 1] = np.nan
    return x, t


def set_row(value):
    def change(x, t):
        t = t.copy()
        t[7] = value
        return x, t

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (one_class, r"embeddings have 300 rows; targets have shape \[5, 3\]"),
        (with_nan, r"NaN or infinity in 2 rows: 4, 9"),
        (set_row(0.3), r"none of 0, 1 and NaN in 1 rows: 7"),
        (set_row([1, 1, 0]), r"several classes present; use sigmoid in 1 rows: 7"),
        (set_row(0), r"no class possible; use sigmoid in 1 rows: 7"),
        (lambda x, t: (x, np.full_like(t, np.nan)), r"nothing is labelled.*label some first"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(change, message):
    x, labels = blobs()
    x, targets = change(x, class_targets(labels, 3))
    with pytest.raises(FieldmarkError, match=message):
        fit_fixmatch(x, targets, config=FixMatchConfig(**QUICK), seed=0)


def test_faulty_options_are_reported_together():
    with pytest.raises(FieldmarkError) as caught:
        FixMatchConfig(
            output="hinge",  # type: ignore[arg-type]
            threshold=0.2,
            strong_dropout=1.0,
            epochs=0,
            weight=-1.0,
            hidden=(0,),
        )
    for word in ("hinge", "softmax, sigmoid, focal", "threshold", "strong_dropout", "epochs"):
        assert word in str(caught.value)
    for word in ("weight -1.0", "hidden"):
        assert word in str(caught.value)
