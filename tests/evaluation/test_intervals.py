import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from classification.evaluate import evaluate
from classification.evaluation.intervals import (
    OVERALL,
    bounds,
    draws,
    places,
    points,
    table_of,
    wilson,
    with_intervals,
)

CLASSES = ["badger", "deer", "fox"]


def judged(truth, pred, cameras):
    """The record of an evaluation."""
    return evaluate(
        np.asarray(truth),
        np.asarray(pred),
        classes=CLASSES,
        groups=np.asarray(cameras),
        rng=np.random.default_rng(0),
        resamples=10,
    ).to_json()


@given(st.integers(1, 400), st.data())
@settings(max_examples=60, deadline=None)
def test_the_interval_at_a_location_is_wilsons(n, data):
    hits = data.draw(st.integers(0, n))
    expected = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson(hits, n) == pytest.approx([expected.low, expected.high], abs=1e-6)


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=40))
@settings(max_examples=50, deadline=None)
def test_scores_by_class_are_those_of_scikit_learn_and_nan_without_truth(items):
    truth, pred, cameras = (np.array(column) for column in zip(*items, strict=True))
    found = points(table_of(judged(truth, pred, cameras)["tallies"], CLASSES))[len(OVERALL) :]
    for label, value in enumerate(found):
        theirs = f1_score(truth, pred, labels=[label], average=None, zero_division=0)[0]
        assert value == pytest.approx(theirs if (truth == label).any() else np.nan, nan_ok=True)


def test_a_draw_is_the_score_of_its_locations_taken_as_often():
    rng = np.random.default_rng(1)
    truth, pred, cameras = rng.integers(0, 3, size=(3, 60))
    tallies = table_of(judged(truth, pred, cameras)["tallies"], CLASSES)
    taken = np.random.default_rng(0).integers(0, 3, size=(1000, 3))
    found = draws(tallies)
    for i in (0, 1, 500, 999):
        rows = np.concatenate([np.flatnonzero(cameras == camera) for camera in taken[i]])
        expected = [
            f1_score(truth[rows], pred[rows], labels=[c], average=None, zero_division=0)[0]
            for c in range(3)
        ]
        assert found[i, len(OVERALL) :] == pytest.approx(expected)


def test_a_class_at_two_cameras_has_no_interval():
    truth = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    record = judged(truth, truth, ["a", "b", "c", "a", "b", "b", "a", "b", "c"])
    tallies = table_of(record["tallies"], CLASSES)
    assert places(tallies) == [3, 3, 3, 3, 2, 3]
    found = bounds(draws(tallies), places(tallies))
    assert found[len(OVERALL) :] == [[1, 1], None, [1, 1]]
    shown = with_intervals(record)
    assert shown["per_class"]["deer"]["f1_interval"] is None
    assert shown["per_location"]["a"]["accuracy_interval"] == wilson(3, 3)
    assert with_intervals({"accuracy": 1.0}) == {"accuracy": 1.0}  # of earlier versions
