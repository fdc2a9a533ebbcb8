from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, ttest_1samp, wilcoxon

from classification.comparison.paired import holm, mean_interval, seeds_needed, signed_rank


def by_all_signs(gain):
    """Share of the sign patterns whose sum of ranks is as far from 0."""
    gain = gain[gain != 0]
    ranks = rankdata(np.abs(gain))
    sums = np.array(list(product([-1, 1], repeat=len(gain)))) @ ranks
    return np.mean(np.abs(sums) >= abs(ranks @ np.sign(gain)) - 1e-9)


@given(st.lists(st.integers(-3, 6), min_size=1, max_size=11))
@settings(max_examples=150, deadline=None)
def test_p_is_the_share_of_sign_patterns_ties_and_zeros_included(values):
    gain = np.array(values) / 100
    ranks = rankdata(np.abs(gain[gain != 0])) @ np.sign(gain[gain != 0])
    expected = by_all_signs(gain) if ranks * gain.mean() > 0 else 1.0
    assert signed_rank(gain) == pytest.approx(expected)


@pytest.mark.parametrize("n", [7, 20, 40])
def test_p_is_that_of_scipy_where_it_is_exact(n):
    gain = np.random.default_rng(n).normal(0.3, 1, size=n)
    assert signed_rank(gain) == pytest.approx(wilcoxon(gain, method="exact").pvalue)


def test_one_outlier_does_not_turn_a_difference_round():
    gain = np.append(np.linspace(0.01, 0.02, 11), -1.0)  # ranks say better, the mean says worse
    assert by_all_signs(gain) < 0.05
    assert signed_rank(gain) == 1
    assert signed_rank(-gain) == 1


def test_equal_scores_summed_in_another_order_are_no_difference():
    one, other = (0.1 + 0.2) + 0.3, 0.1 + (0.2 + 0.3)
    assert one != other
    assert signed_rank(np.full(12, one - other)) == 1


@pytest.mark.parametrize("tests", [1, 2, 3, 9, 45, 780])
def test_the_seeds_needed_are_the_fewest_that_can_be_significant(tests):
    seeds = seeds_needed(tests)
    p = [signed_rank(np.linspace(0.1, 0.2, n)) for n in (seeds - 1, seeds)]
    assert p[0] * tests > 0.05 >= p[1] * tests


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_only_raises_p_and_keeps_the_order(values):
    p = np.array(values)
    corrected = holm(p)
    assert (corrected >= p).all()
    assert (corrected <= 1).all()
    assert (np.diff(corrected[np.argsort(p, kind="stable")]) >= 0).all()
    assert corrected.min() == pytest.approx(min(1, p.min() * len(p)))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0.001, 0.999))
def test_holm_rejects_what_stepping_down_rejects(values, level):
    left, rejected = sorted(range(len(values)), key=lambda i: values[i]), set()
    while left and values[left[0]] * len(left) <= level:
        rejected.add(left.pop(0))
    assert {i for i, p in enumerate(holm(np.array(values))) if p <= level} == rejected


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20))
def test_the_interval_of_a_mean_is_that_of_the_t_test(values):
    gain = np.array(values)
    if gain.std() < 1e-9:
        return
    low, high = ttest_1samp(gain, 0).confidence_interval(0.95)
    assert mean_interval(gain) == pytest.approx((low, high))
