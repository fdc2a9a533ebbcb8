import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from classification.evaluate import Evaluation, evaluate
from classification.evaluation.bootstrap import scores_of, tallies_of
from classification.evaluation.calibration import log_loss, reliability

CLASSES = ["badger", "coyote", "deer", "fox"]


def run(truth, outputs, groups=None, *, classes=CLASSES, seed=0, **options):
    groups = np.arange(len(truth)) % 3 if groups is None else np.asarray(groups)
    rng = np.random.default_rng(seed)
    return evaluate(
        np.asarray(truth), np.asarray(outputs), classes=classes, groups=groups, rng=rng, **options
    )


@st.composite
def cases(draw):
    n = draw(st.integers(1, 60))
    positions = st.lists(st.integers(0, 3), min_size=n, max_size=n)
    return draw(positions), draw(positions), draw(positions)


@given(cases())
@settings(max_examples=100, deadline=None)
def test_scores_agree_with_scikit_learn(case):
    truth, pred, groups = case
    result = run(truth, pred, groups, resamples=20)
    present = sorted(set(truth))
    options = {"labels": present, "average": "macro", "zero_division": 0}
    assert result.accuracy == pytest.approx(metrics.accuracy_score(truth, pred))
    assert result.macro_f1 == pytest.approx(metrics.f1_score(truth, pred, **options))
    assert result.balanced_accuracy == pytest.approx(metrics.recall_score(truth, pred, **options))
    expected = metrics.confusion_matrix(truth, pred, labels=range(4))
    assert result.confusion == expected.tolist()
    for c, name in enumerate(CLASSES):
        ours, column = result.per_class[name], np.asarray(pred) == c
        assert ours["support"] == truth.count(c)
        assert (ours["precision"] is None) == (not column.any())
        assert (ours["recall"] is None) == (ours["f1"] is None) == (c not in present)
        if c in present:
            theirs = metrics.f1_score(truth, pred, labels=[c], average=None, zero_division=0)
            assert ours["f1"] == pytest.approx(theirs[0])


@given(cases())
@settings(max_examples=100, deadline=None)
def test_counts_add_up_and_intervals_are_within_the_unit(case):
    truth, pred, groups = case
    result = run(truth, pred, groups, resamples=20)
    locations = result.per_location.values()
    assert result.n == len(truth) == sum(x["n"] for x in locations) == np.sum(result.confusion)
    mean = sum(x["n"] * x["accuracy"] for x in locations) / result.n
    assert result.accuracy == pytest.approx(mean)
    for interval in result.intervals.values():
        assert (interval is None) == (len(set(groups)) == 1)
        if interval is not None:
            assert 0 <= interval[0] <= interval[1] <= 1


@given(cases(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_items_does_not_matter(case, random):
    rows = list(zip(*case, strict=True))
    shuffled = random.sample(rows, len(rows))
    assert run(*zip(*rows, strict=True)) == run(*zip(*shuffled, strict=True))


@given(cases())
@settings(max_examples=50, deadline=None)
def test_json_gives_the_same_evaluation_back(case):
    truth, pred, groups = case
    result = run(truth, pred, groups, resamples=20)
    text = json.dumps(result.to_json(), allow_nan=False)
    assert Evaluation.from_json(json.loads(text)) == result


def test_classes_absent_from_the_truth_keep_their_row_and_leave_macro_f1_alone():
    result = run([0, 0, 1, 1], [0, 3, 1, 1])
    assert result.confusion == [[1, 0, 0, 1], [0, 2, 0, 0], [0] * 4, [0] * 4]
    assert result.macro_f1 == pytest.approx((2 / 3 + 1) / 2)  # not / 3: no fox was there to find
    assert result.per_class["fox"] == {"precision": 0, "recall": None, "f1": None, "support": 0}
    assert result.per_class["deer"]["precision"] is None


def test_one_location_gives_no_interval_and_says_why():
    result = run([0, 1, 2], [0, 1, 1], ["creek"] * 3)
    assert set(result.intervals.values()) == {None}
    assert result.interval_note is not None
    assert "one location" in result.interval_note


def test_intervals_are_about_locations_not_images():
    """Ten cameras, each all right or all wrong: a thousand images are ten observations."""
    groups = np.repeat(np.arange(10), 100)
    truth = np.zeros(1000, dtype=int)
    by_camera = run(truth, np.where(groups < 5, 0, 1), groups).intervals["accuracy"]
    by_image = run(truth, np.where(groups < 5, 0, 1), np.arange(1000)).intervals["accuracy"]
    assert by_camera is not None
    assert by_image is not None
    assert by_image == pytest.approx([0.47, 0.53], abs=0.01)  # 0.5 ± 1.96 sqrt(0.25 / 1000)
    assert by_camera == pytest.approx([0.2, 0.8], abs=0.051)  # binomial, n = 10


def test_bootstrap_equals_scoring_each_resample_anew():
    rng = np.random.default_rng(3)
    truth, pred, groups = rng.integers(0, 4, size=(3, 80))
    result = run(truth, pred, groups, resamples=200, level=0.9)
    replay, scores = np.random.default_rng(0), []
    for draw in replay.integers(0, 4, size=(200, 4)):
        rows = np.concatenate([np.flatnonzero(groups == g) for g in draw])
        scores.append(metrics.f1_score(truth[rows], pred[rows], average="macro"))
    assert result.intervals["macro_f1"] == pytest.approx(np.quantile(scores, [0.05, 0.95]))


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(1)
    truth, pred = rng.integers(0, 4, size=(2, 200))
    groups = rng.integers(0, 40, size=200)
    assert run(truth, pred, groups, seed=5) == run(truth, pred, groups, seed=5)
    assert run(truth, pred, groups, seed=5) != run(truth, pred, groups, seed=6)


def test_probabilities_give_predictions_calibration_and_log_loss():
    rng = np.random.default_rng(2)
    probs = rng.dirichlet(np.ones(4), size=300)
    truth = rng.integers(0, 4, size=300).astype(np.int8)
    result = run(truth, probs)
    assert result.accuracy == metrics.accuracy_score(truth, probs.argmax(axis=1))
    assert result.log_loss == pytest.approx(metrics.log_loss(truth, probs))
    assert result.ece is not None
    assert run(truth, probs.argmax(axis=1)).ece is None


def test_a_class_the_model_never_learned_costs_a_finite_loss():
    assert log_loss(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(15.94, abs=0.01)


def test_reliability_of_known_bins():
    result = reliability(np.array([0.2, 0.2, 0.9, 1.0, 0.0]), np.array([0, 1, 1, 1, 0]), bins=5)
    assert result.counts.tolist() == [3, 0, 0, 0, 2]  # 0.2 closes the first bin
    assert result.accuracy[[0, 4]] == pytest.approx([1 / 3, 1])
    assert np.isnan(result.accuracy[1])
    assert result.ece == pytest.approx((3 * abs(0.4 / 3 - 1 / 3) + 2 * 0.05) / 5)


@given(st.floats(0.05, 0.95))
@settings(max_examples=20, deadline=None)
def test_a_calibrated_confidence_has_a_small_error(confidence):
    correct = np.random.default_rng(0).random(20_000) < confidence
    assert reliability(np.full(20_000, confidence), correct).ece < 0.02


@pytest.mark.parametrize(
    ("truth", "outputs", "groups", "message"),
    [
        ([], [], [], "nothing to score"),
        ([0, 1], [0], ["a", "a"], "2 labels, 1 predictions and 2 groups"),
        ([0, 4], [0, 1], ["a", "b"], r"labels outside 0\.\.3"),
        ([0, 1], [0, -1], ["a", "b"], r"predictions outside 0\.\.3"),
        ([0.0], [0], ["a"], "labels are float64"),
        ([0], [[0.5, 0.5]], ["a"], r"not finite \[N, 4\]"),
        ([0], [[0.5, 0.5, 0.5, 0.5]], ["a"], "do not sum to 1"),
        ([0], [[np.nan, 0, 0, 1]], ["a"], "not finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(truth, outputs, groups, message):
    with pytest.raises(ValueError, match=message):
        run(truth, outputs, groups)


@given(cases())
@settings(max_examples=30, deadline=None)
def test_the_record_by_location_gives_the_scores_again(case):
    truth, pred, groups = case
    result = run(truth, pred, groups, resamples=20)
    record = json.loads(json.dumps(result.to_json()))["tallies"]
    names = sorted(result.per_location)
    again = scores_of(tallies_of(record, locations=names, classes=CLASSES))
    assert again["macro_f1"].tolist() == [result.per_location[n]["macro_f1"] for n in names]
    whole = scores_of(tallies_of(record, locations=names, classes=CLASSES).sum(axis=0))
    assert whole["macro_f1"] == pytest.approx(result.macro_f1)
