import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.evaluation.expected_gain import expected_gain, gains, run_gains

LABELS = [40, 80, 120, 160, 200, 240]


def curve(labels, *, ceiling=0.8, fall=3.0, power=0.5):
    return ceiling - fall * np.asarray(labels, dtype=float) ** -power


def test_a_curve_that_follows_the_law_is_continued_exactly():
    found = expected_gain(LABELS, curve(LABELS).tolist(), batch=40)
    truth = curve([240, 280])
    assert found.gain == pytest.approx(truth[1] - truth[0])
    assert found.interval[0] <= found.gain <= found.interval[1]
    more = curve([240, 240 + found.point])
    assert more[1] - more[0] == pytest.approx(0.01, abs=1e-4)


@pytest.mark.parametrize("power", [0.1, 0.5, 1.0, 1.4])
def test_curves_that_flatten_faster_or_slower_are_within_the_interval(power):
    labels = [*LABELS, 280]
    scores = curve(labels, power=power, fall=2.0)
    found = expected_gain(LABELS, scores[:-1].tolist(), batch=40)
    assert found.interval[0] <= scores[-1] - scores[-2] <= found.interval[1]


def test_noise_makes_it_less_sure():
    rng = np.random.default_rng(0)
    calm = curve(LABELS, fall=1.0)
    noisy = calm + rng.normal(scale=0.05, size=len(LABELS))
    sure, rough = (expected_gain(LABELS, list(y), batch=40).interval for y in (calm, noisy))
    assert rough[1] - rough[0] > 1.5 * (sure[1] - sure[0])


def test_a_curve_that_falls_promises_nothing():
    found = expected_gain(LABELS, [0.6, 0.6, 0.59, 0.58, 0.57, 0.5], batch=40)
    assert found.gain == found.interval[0] == 0
    assert found.point is None


def test_a_point_beyond_the_ceiling_is_never_reached():
    assert expected_gain(LABELS, curve(LABELS, fall=0.05).tolist(), batch=40).point is None


def test_three_rounds_say_nothing_yet():
    assert expected_gain(LABELS[:3], [0.1, 0.2, 0.3], batch=40) is None


@given(st.lists(st.floats(0, 1), min_size=4, max_size=12), st.integers(1, 500))
def test_more_labels_never_promise_less_and_the_interval_is_in_order(scores, batch):
    labels = [30 * (i + 1) for i in range(len(scores))]
    middle, low, high = gains(labels, scores, ahead=[batch, 2 * batch])
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert (low >= 0).all()
    assert middle[0] <= middle[1]
    assert high[0] <= high[1]


def test_a_run_is_judged_by_its_scored_rounds_and_repeats_are_passed_over():
    scores = curve(LABELS)
    rounds = [{"num_labels": 0, "val": None}] + [
        {"num_labels": n, "val": {"accuracy": y, "macro_f1": y - 0.1}}
        for n, y in zip(LABELS, scores, strict=True)
    ]
    found = run_gains([*rounds, rounds[-1]], split="val", batch=40)
    assert [gain.score for gain in found] == ["accuracy", "macro_f1"]
    assert found[0].gain == pytest.approx(found[1].gain)
    assert run_gains(rounds, split="test", batch=40) == []


def test_a_curve_that_picks_up_speed_may_go_on_so():
    """As in the demo, whose network is trained itself."""
    labels, scores = [60, 120, 180, 240, 300], [0.33, 0.44, 0.38, 0.55, 0.66]
    found = expected_gain(labels, scores, batch=60)
    assert found is not None
    assert found.interval[1] == pytest.approx((0.66 - 0.38) / 2)
