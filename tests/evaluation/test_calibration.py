import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.evaluation.calibration import (
    acceptance_threshold,
    log_loss,
    reliability,
    untempered,
)

PREDICTIONS = st.lists(
    st.tuples(st.integers(0, 20).map(lambda k: k / 20), st.booleans()), min_size=1, max_size=40
)


@given(PREDICTIONS, st.sampled_from([1, 4, 15]))
@settings(max_examples=100, deadline=None)
def test_the_calibration_error_is_that_of_bins_filled_one_by_one(items, bins):
    confidence, correct = (np.array(column, dtype=float) for column in zip(*items, strict=True))
    error, found = 0.0, reliability(confidence, correct, bins=bins)
    for b in range(bins):
        # Twentieths times 1, 4 or 15 are exact enough to tell on which side of an edge they lie.
        place = np.round(confidence * bins, 9)
        inside = (place <= b + 1) & ((place > b) | (b == 0))
        assert found.counts[b] == inside.sum()
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    assert found.ece == pytest.approx(error)


@given(PREDICTIONS, st.sampled_from([0.5, 0.9, 0.95]), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_the_threshold_is_the_lowest_of_all_that_would_do(items, precision, least):
    confidence, correct = (np.array(column, dtype=float) for column in zip(*items, strict=True))
    good = [
        bar
        for bar in set(confidence.tolist())
        if (confidence >= bar).sum() >= least
        and correct[confidence >= bar].sum() >= precision * (confidence >= bar).sum()
    ]
    found = acceptance_threshold(confidence, correct, precision=precision, least=least)
    assert found == (min(good) if good else None)


@given(st.integers(0, 1000), st.floats(0.2, 5))
@settings(max_examples=50, deadline=None)
def test_a_temperature_is_taken_back(seed, temperature):
    logits = np.random.default_rng(seed).normal(scale=2, size=(5, 4))
    before, after = (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
                     for z in (logits, logits / temperature))  # fmt: skip
    assert untempered(after, temperature) == pytest.approx(before)


def test_the_loss_of_a_true_class_is_what_its_probability_says():
    probs = np.array([[0.5, 0.5], [0.1, 0.9]])
    assert log_loss(np.array([0, 1]), probs) == pytest.approx(-np.log([0.5, 0.9]).mean())
