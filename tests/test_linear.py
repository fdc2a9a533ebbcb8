"""The softmax regression that the head and several strategies are made of."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from classification import linear as module
from classification.linear import fit_linear, softmax


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    labels = rng.choice([2, 5, 9], size=120)
    points = (rng.normal(size=(120, 6)) * 3 + labels[:, None]).astype(np.float32)
    return points, labels


@pytest.mark.parametrize("balanced", [True, False])
def test_it_is_scikit_learns_regression_on_standardised_points(data, balanced):
    points, labels = data
    fitted = fit_linear(points, labels, inverse_penalty=0.1, class_balanced=balanced)
    scaled = StandardScaler().fit_transform(points)
    weights = "balanced" if balanced else None
    reference = LogisticRegression(C=0.1, class_weight=weights, tol=1e-8).fit(scaled, labels)
    expected = reference.predict_proba(scaled)
    np.testing.assert_allclose(fitted.predict(points, 10)[:, [2, 5, 9]], expected, atol=2e-3)


def test_probabilities_stand_in_the_columns_of_their_classes(data, monkeypatch):
    points, labels = data
    fitted = fit_linear(points, labels)
    probs = fitted.predict(points, 12)
    assert probs.shape == (120, 12)
    assert probs.dtype == np.float32
    np.testing.assert_allclose(probs.sum(axis=1), 1, rtol=1e-5)
    assert not probs[:, [0, 1, 3, 4, 6, 7, 8, 10, 11]].any()
    monkeypatch.setattr(module, "_BLOCK", 7)  # in blocks it is the same
    np.testing.assert_allclose(fitted.predict(points, 12), probs, rtol=1e-5)


def test_the_gradient_is_that_of_the_loss(data):
    points, labels = data
    fitted = fit_linear(points, labels)
    gradient = fitted.gradient(points[:5], 10)
    guesses = fitted.predict(points[:5], 10).argmax(axis=1)

    def loss(x):
        probs = softmax(fitted.logits(x.astype(np.float32)).astype(np.float64))
        return -np.log(probs[np.arange(5), np.searchsorted(fitted.classes, guesses)])

    step = 1e-2
    for dim in range(6):
        moved = np.zeros((5, 6))
        moved[:, dim] = step
        numeric = (loss(points[:5] + moved) - loss(points[:5] - moved)) / (2 * step)
        np.testing.assert_allclose(gradient[:, dim], numeric, atol=2e-3)


def test_softmax_survives_large_logits():
    probs = softmax(np.array([[1e4, 0, -1e4], [0, 0, 0]], dtype=np.float32))
    np.testing.assert_allclose(probs, [[1, 0, 0], [1 / 3] * 3], rtol=1e-6)
