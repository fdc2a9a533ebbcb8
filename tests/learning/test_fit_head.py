import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from classification.config import HeadConfig
from classification.learning.fit_head import Known, fit_head
from tests.learning.blobs import blobs

LINEAR = HeadConfig(kind="linear", max_iter=60, learning_rate=0.02)
MLP = HeadConfig(kind="mlp", hidden=(16, 8), max_iter=60, learning_rate=0.01)


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2], [1, 4], [0, 3, 9]])
@pytest.mark.parametrize("balanced", [True, False])
def test_logistic_is_scikit_learns_regression_on_standardised_embeddings(classes, balanced):
    x, y = blobs(classes)
    head = fit_head(x, y, config=HeadConfig(C=0.1, class_balanced=balanced))
    scaled = (x - x.mean(0)) / x.std(0)
    model = LogisticRegression(
        C=0.1, class_weight="balanced" if balanced else None, max_iter=1000
    ).fit(scaled, y)
    probs = head.predict(x, 12)
    assert np.allclose(probs[:, classes], model.predict_proba(scaled), atol=1e-3)
    unseen = [c for c in range(12) if c not in classes]
    assert (probs[:, unseen] == 0).all()


@pytest.mark.parametrize("config", [LINEAR, MLP])
@pytest.mark.parametrize("classes", [[0, 1], [0, 3, 9]])
def test_trained_heads_learn_and_are_fixed_by_the_seed(config, classes):
    x, y = blobs(classes, n=90)
    fitted = [fit_head(x, y, config=config, seed=s) for s in (0, 0, 1)]
    probs = [head.predict(x, 10) for head in fitted]
    assert (probs[0].argmax(1) == y).mean() > 0.9
    assert np.array_equal(probs[0], probs[1])
    if config is MLP:  # the linear head starts at zero
        assert not np.array_equal(probs[0], probs[2])
    assert len(fitted[0].weights) == (1 if config is LINEAR else 3)


@given(
    st.sampled_from(["logistic", "linear", "mlp"]),
    st.lists(st.integers(0, 7), min_size=1, max_size=30),
    st.integers(0, 100),
)
def test_probabilities_sum_to_one_whatever_was_seen(kind, labels, seed):
    y = np.array(labels, dtype=np.int64)
    x = np.random.default_rng(seed).normal(size=(len(y), 3)).astype(np.float32)
    config = HeadConfig(kind=kind, hidden=(4,), max_iter=3)
    probs = fit_head(x, y, config=config).predict(x, 8)
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-5)
    assert np.isfinite(probs).all()
    assert (probs[:, [c for c in range(8) if c not in labels]] == 0).all()


@pytest.mark.parametrize("kind", ["logistic", "linear", "mlp"])
def test_one_class_is_answered_with_certainty(kind):
    x = np.ones((3, 2), np.float32)  # and a constant column divides by no zero
    head = fit_head(x, np.array([4, 4, 4]), config=HeadConfig(kind=kind))
    assert (head.predict(x, 6)[:, 4] == 1).all()


def test_training_stops_by_validation_and_keeps_the_best_epoch():
    """On labels that are noise, more epochs only make the head surer of what is wrong."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 20)).astype(np.float32), rng.integers(0, 3, 120)
    val = Known(embeddings=x[60:], labels=y[60:])
    config = HeadConfig(kind="mlp", hidden=(32,), alpha=0, learning_rate=0.01, max_iter=300)

    def sureness(val):
        head = fit_head(x[:60], y[:60], config=config, val=val)
        return head.predict(x[60:], 3).max(axis=1).mean()

    assert sureness(None) > 0.8
    assert sureness(val) < 0.6


def test_validation_items_of_unknown_classes_are_left_out():
    x, y = blobs([0, 1], n=60)
    other = Known(embeddings=x, labels=np.where(np.arange(60) % 2, y, 7))
    assert len(fit_head(x, y, config=LINEAR, val=other).classes) == 2


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_a_rare_class_counts_as_much_as_a_common_one(kind):
    rng = np.random.default_rng(0)
    y = np.array([0] * 190 + [1] * 10)
    x = rng.normal(size=(200, 2)).astype(np.float32)
    x[:, 0] += y * 1.5
    recall = {}
    for balanced in (True, False):
        config = HeadConfig(
            kind=kind, hidden=(8,), class_balanced=balanced, max_iter=80, learning_rate=0.02
        )
        predicted = fit_head(x, y, config=config).predict(x, 2).argmax(1)
        recall[balanced] = (predicted[y == 1] == 1).mean()
    assert recall[True] > recall[False] + 0.2


def test_the_penalty_leaves_out_biases_as_scikit_learns_does():
    """Weights that are penalised to nothing leave what is known of the classes: their shares."""
    x, y = blobs([0, 1], n=100)
    chosen = [*np.flatnonzero(y == 0)[:15], *np.flatnonzero(y == 1)[:25]]
    x, y = x[chosen], y[chosen]
    config = HeadConfig(
        kind="linear", alpha=1e4, class_balanced=False, learning_rate=1e-3, max_iter=1000, tol=1e-9
    )
    expected = LogisticRegression(C=1e-4).fit(x, y).predict_proba(x[:1])[0]
    assert expected == pytest.approx([3 / 8, 5 / 8], abs=0.01)
    assert fit_head(x, y, config=config).predict(x, 2)[0] == pytest.approx(expected, abs=0.02)
