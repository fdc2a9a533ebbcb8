import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.evaluation.acceptance import Scored, acceptance
from classification.evaluation.calibration import acceptance_threshold


def scored(n=300, *, locations=12, seed=0, skill=1.0):
    """Calibrated confidences; a location may be harder than its confidences say."""
    rng = np.random.default_rng(seed)
    location = rng.integers(0, locations, n)
    confidence = np.round(rng.random(n), 2)  # with ties
    harder = rng.normal(scale=0.1, size=locations)[location]
    correct = rng.random(n) < np.clip(confidence * skill + harder, 0, 1)
    return Scored(confidence=confidence, correct=correct, location=location.astype(str))


def run(val, test, **options):
    values = {"target": 0.8, "resamples": 200} | options
    return acceptance(val, test, rng=np.random.default_rng(0), **values)


def test_the_threshold_is_validations_and_the_precision_is_tests():
    val, test = scored(seed=1), scored(seed=2)
    found = run(val, test)
    threshold = acceptance_threshold(val.confidence, val.correct, precision=0.8)
    taken = test.confidence >= threshold
    assert found.threshold == threshold
    assert found.share == taken.mean()
    assert found.precision == test.correct[taken].mean()
    assert found.share_interval[0] < found.share < found.share_interval[1]
    assert found.precision_interval[0] < found.precision < found.precision_interval[1]
    assert found.reached > 0.9


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_the_redraws_equal_setting_the_threshold_anew_each_time(seed):
    val, test = scored(80, locations=5, seed=seed), scored(60, locations=4, seed=seed + 1)
    found = run(val, test, target=0.7, resamples=30)
    replay, shares = np.random.default_rng(0), []
    draws = [[replay.integers(0, n, size=(30, n))] for n in (5, 4)]
    for i in range(30):
        rows = [
            np.concatenate([np.flatnonzero(s.location == str(g)) for g in draw[0][i]])
            for s, draw in zip((val, test), draws, strict=True)
        ]
        threshold = acceptance_threshold(
            val.confidence[rows[0]], val.correct[rows[0]], precision=0.7
        )
        shares.append(0.0 if threshold is None else (test.confidence[rows[1]] >= threshold).mean())
    if found.threshold is not None:
        assert found.share_interval == pytest.approx(np.quantile(shares, [0.025, 0.975]).tolist())
        assert found.reached == np.mean(np.array(shares) > 0)


def test_more_cameras_make_it_surer():
    wide, narrow = (
        run(scored(600, locations=n, seed=3), scored(600, locations=n, seed=4)).share_interval
        for n in (6, 120)
    )
    assert narrow[1] - narrow[0] < wide[1] - wide[0]


def test_a_model_that_is_never_sure_enough_accepts_nothing():
    found = run(scored(skill=0.5), scored(seed=1), target=0.99)
    assert (found.threshold, found.share, found.precision) == (None, 0, None)
    assert found.share_interval is found.precision_interval is found.reached is None


@pytest.mark.parametrize("location", [None, np.zeros(300)], ids=["unknown", "one"])
def test_without_locations_there_is_no_interval(location):
    val = scored(seed=1)
    val = Scored(confidence=val.confidence, correct=val.correct, location=location)
    found = run(val, scored(seed=2))
    assert found.threshold is not None
    assert found.share_interval is None


def test_memory_is_bounded_by_drawing_in_parts(monkeypatch):
    val, test = scored(seed=1), scored(seed=2)
    whole = run(val, test)
    monkeypatch.setattr("classification.evaluation.acceptance._CELLS", 300)
    parts = run(val, test)
    assert parts.share == whole.share
    assert parts.share_interval == pytest.approx(whole.share_interval, abs=0.1)
