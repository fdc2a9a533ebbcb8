import numpy as np
import pytest

from classification.query import Pool
from classification.query.temperature import at_temperature, calibration_error, fitted_temperature

from .pools import make_pool


def test_a_temperature_flattens_and_one_changes_nothing():
    probs = np.array([[0.9, 0.1, 0.0]], dtype=np.float32)
    assert at_temperature(probs, 1.0) is probs
    np.testing.assert_allclose(at_temperature(probs, 2.0)[0, :2], [0.75, 0.25], atol=1e-6)


@pytest.mark.parametrize(
    ("probs", "labels", "expected"),
    [
        ([[1, 0], [1, 0]], [0, 0], 0.0),
        ([[1, 0], [1, 0]], [0, 1], 0.5),
        ([[0.6, 0.4], [0.9, 0.1]], [0, 1], (0.4 + 0.9) / 2),
    ],
)
def test_calibration_error_is_the_gap_of_certainty_and_accuracy(probs, labels, expected):
    error = calibration_error(np.array(probs, dtype=np.float32), np.array(labels))
    assert error == pytest.approx(expected, abs=1e-6)


def noisy_pool(noise):
    """Two classes in 30 dimensions, 100 labels, a share of them wrong."""
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=100)
    rows = rng.normal(size=(100, 30)).astype(np.float32)
    rows[:, 0] += 6 * truth
    flipped = np.where(rng.random(100) < noise, 1 - truth, truth)
    return Pool(embeddings=rows, probs=None, labelled=np.ones(100, dtype=bool), labels=3 * flipped)


def test_a_model_that_is_too_sure_gets_a_temperature_and_a_good_one_none():
    assert fitted_temperature(noisy_pool(0.4), np.random.default_rng(0)) > 2
    assert fitted_temperature(noisy_pool(0.0), np.random.default_rng(0)) < 1.5


@pytest.mark.parametrize("pool", [make_pool(20, labelled=range(9)), make_pool(20, classes=1)])
def test_too_few_labels_leave_probabilities_as_they_are(pool):
    assert fitted_temperature(pool, np.random.default_rng(0)) == 1.0
