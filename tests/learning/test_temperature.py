import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.config import HeadConfig
from classification.evaluation.calibration import log_loss
from classification.learning.fit_head import fit_head
from classification.learning.temperature import best_temperature, calibrate
from classification.linear import softmax
from tests.learning.blobs import blobs


def drawn(n, temperature, seed=0):
    """Logits, and labels drawn from their softmax at `temperature`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, 4)).astype(np.float32) * 3
    probs = softmax(logits / np.float32(temperature))
    return logits, np.array([rng.choice(4, p=p / p.sum()) for p in probs.astype(float)])


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_it_finds_the_temperature_that_labels_were_drawn_with(temperature):
    logits, truth = drawn(8000, temperature)
    assert best_temperature(logits, truth) == pytest.approx(temperature, rel=0.1)


@given(st.integers(0, 30), st.floats(0.3, 4))
def test_no_other_temperature_is_better(seed, temperature):
    logits, truth = drawn(60, temperature, seed)
    best = best_temperature(logits, truth)

    def loss(t):
        return log_loss(truth, softmax(logits / np.float32(t)))

    grid = [loss(t) for t in np.geomspace(0.05, 20, 60)]
    assert loss(best) <= min(grid) + 1e-4


def test_certainty_beyond_reason_stays_finite():
    logits = np.eye(3, dtype=np.float32)[[0, 1, 2] * 10] * 50
    assert 0.05 <= best_temperature(logits, np.array([0, 1, 2] * 10)) < 1
    assert np.isfinite(best_temperature(logits, np.array([1, 2, 0] * 10)))


def test_calibration_mends_confidence_and_changes_no_prediction():
    x, y = blobs([0, 2, 5], n=400, spread=5.0)
    config = HeadConfig(kind="mlp", hidden=(64,), alpha=0, max_iter=200, learning_rate=0.01)
    head = fit_head(x[:100], y[:100], config=config)  # sure of itself beyond its knowledge
    better, found = calibrate(head, x[100:], y[100:])
    assert found is not None
    assert found.temperature == better.temperature > 1.5
    assert found.items == 300
    assert found.ece[1] < found.ece[0] / 2
    assert found.log_loss[1] < found.log_loss[0]
    assert np.array_equal(better.predict(x, 6).argmax(1), head.predict(x, 6).argmax(1))
    assert log_loss(y[100:], better.predict(x[100:], 6)) == pytest.approx(
        found.log_loss[1], abs=1e-4
    )
    again, _ = calibrate(better, x[100:], y[100:])  # from any present temperature
    assert again.temperature == pytest.approx(better.temperature)


def test_too_few_items_or_one_class_leave_the_head_alone():
    x, y = blobs([0, 2, 5], n=100)
    head = fit_head(x, y, config=HeadConfig())
    assert calibrate(head, x[:19], y[:19]) == (head, None)
    unknown = np.full(100, 4)
    assert calibrate(head, x, unknown) == (head, None)
    one = fit_head(x, np.full(100, 2), config=HeadConfig())
    assert calibrate(one, x, np.full(100, 2)) == (one, None)
    assert dataclasses.asdict(head)["temperature"] == 1.0
