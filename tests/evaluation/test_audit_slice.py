import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from classification.evaluation.audit_slice import (
    audit_slices,
    binomial_interval,
    pool_interval,
    together,
)

TAIL = 0.025 * (1 + 1e-9)


@given(st.integers(1, 60), st.data())
@settings(max_examples=60, deadline=None)
def test_the_interval_holds_the_numbers_that_do_not_contradict_the_sample(pool, data):
    n = data.draw(st.integers(1, pool))
    right = data.draw(st.integers(0, n))
    good = np.arange(pool + 1)
    possible = (hypergeom.sf(right - 1, pool, good, n) > TAIL) & (
        hypergeom.cdf(right, pool, good, n) > TAIL
    )
    low, high = pool_interval(right, n, pool=pool)
    assert [round(low * pool), round(high * pool)] == [
        good[possible].min(),
        good[possible].max(),
    ]
    assert low <= right / n <= high


def test_a_pool_seen_whole_is_known_and_a_large_one_is_binomial():
    assert pool_interval(7, 10, pool=10) == [0.7, 0.7]
    assert pool_interval(70, 100, pool=1_000_000) == pytest.approx(
        binomial_interval(70, 100), abs=1e-4
    )


@pytest.mark.parametrize(
    ("right", "n", "expected"),
    [(0, 10, [0, 0.3085]), (10, 10, [0.6915, 1]), (5, 10, [0.1871, 0.8129])],
)
def test_binomial_intervals_are_those_of_the_tables(right, n, expected):
    assert binomial_interval(right, n) == pytest.approx(expected, abs=1e-4)


def test_the_interval_covers_the_accuracy_of_the_pool():
    rng, missed = np.random.default_rng(0), 0
    correct = rng.random(400) < 0.8
    for _ in range(300):
        drawn = correct[rng.permutation(400)[:30]]
        low, high = pool_interval(int(drawn.sum()), 30, pool=400)
        missed += not low <= correct.mean() <= high
    assert missed <= 15  # 5 %


def query(strategies, suggestions):
    n = len(strategies)
    return pd.DataFrame(
        {
            "rank": range(n),
            "path": [f"{i}.jpg" for i in range(n)],
            "strategy": strategies,
            "suggestion": suggestions,
        }
    )


def test_only_random_queries_with_a_suggestion_and_one_label_count():
    rounds = [{"round": i, "num_labels": 10 * i, "num_pool": 100 - i} for i in range(3)]
    queries = {
        0: query(["audit"] * 2, [None, None]),  # no model yet
        1: query(["audit", "audit", "audit", "margin"], ["deer", "fox", "fox", "deer"]),
        2: query(["margin"], ["deer"]),
    }
    train = pd.DataFrame({"path": ["0.jpg", "1.jpg", "3.jpg"], "label": ["deer", "deer", "deer"]})
    (found,) = audit_slices(rounds, queries, train)
    assert (found.round, found.num_labels, found.pool) == (1, 10, 99)
    assert (found.asked, found.answered, found.right, found.accuracy) == (3, 2, 1, 0.5)


def test_slices_together_are_one_sample():
    rounds = [{"round": i, "num_labels": 10 * i, "num_pool": 100} for i in range(2)]
    queries = {i: query(["audit"] * 2, ["deer", "fox"]) for i in range(2)}
    train = pd.DataFrame({"path": ["0.jpg", "1.jpg"], "label": ["deer", "deer"]})
    all_of_them = together(audit_slices(rounds, queries, train))
    assert all_of_them is not None
    assert (all_of_them.round, all_of_them.answered, all_of_them.right) == (-1, 4, 2)
    assert all_of_them.interval == binomial_interval(2, 4)
    assert together([]) is None
