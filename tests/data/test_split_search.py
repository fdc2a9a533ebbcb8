"""Scores, guarantees and the three searches, against naive references."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classification.data import split_local
from classification.data.split_guarantees import solve_guarantees
from classification.data.split_local import descend, greedy_start, local_search
from classification.data.split_problem import SplitProblem
from classification.data.split_search import random_search, smallest_first

FRACTIONS = np.array([0.6, 0.2, 0.2])


def problem_of(crops: np.ndarray, **fields: Any) -> SplitProblem:
    crops = np.asarray(crops, dtype=float)
    values: dict[str, Any] = {
        "counts": np.hstack([crops, (crops > 0).astype(float)]),
        "fractions": FRACTIONS,
        "allowed": np.ones((len(crops), 3), dtype=bool),
    }
    return SplitProblem(**(values | fields))


def naive_score(crops: np.ndarray, split: np.ndarray) -> float:
    """The formula of MegaDetector's create_classification_dataset.py, one term at a time."""
    score = 0.0
    for s in range(3):
        for label in range(crops.shape[1]):
            rows = crops[split == s, label]
            of_crops = rows.sum() / crops[:, label].sum()
            of_locations = (rows > 0).sum() / (crops[:, label] > 0).sum()
            score += 2 * (of_crops - FRACTIONS[s]) ** 2 + (of_locations - FRACTIONS[s]) ** 2
    return score


@st.composite
def tables(draw: st.DrawFn, most: int = 9) -> np.ndarray:
    """Crops of each class at each location; every location and class has some."""
    shape = draw(st.tuples(st.integers(3, most), st.integers(2, 4)))
    crops = draw(arrays(int, shape, elements=st.sampled_from([0, 0, 1, 2, 7, 40])))
    crops[np.arange(shape[0]), np.arange(shape[0]) % shape[1]] += 1
    crops[np.arange(shape[1]) % shape[0], np.arange(shape[1])] += 1
    return crops.astype(float)


@given(crops=tables(), seed=st.integers(0, 99))
def test_the_score_is_the_published_formula(crops: np.ndarray, seed: int):
    split = np.random.default_rng(seed).integers(0, 3, len(crops)).astype(np.int8)
    assert problem_of(crops).score(split) == pytest.approx(naive_score(crops, split))


@settings(max_examples=20)
@given(crops=tables(), seed=st.integers(0, 99))
def test_random_search_keeps_the_best_of_its_draws(crops: np.ndarray, seed: int):
    """Draw by draw with the same generator, scored one at a time."""
    from classification.data.split_search import _draw

    problem = problem_of(crops)
    draws = _draw(problem, np.random.default_rng(seed), 200)
    best = random_search(problem, np.random.default_rng(seed), draws=200)
    assert best is not None
    assert problem.score(best) == pytest.approx(min(problem.score(d) for d in draws), abs=1e-5)


def test_draws_have_the_peers_sizes():
    from classification.data.split_search import _draw

    draws = _draw(problem_of(np.ones((100, 2))), np.random.default_rng(0), 500)
    sizes = np.stack([(draws == s).sum(axis=1) for s in range(3)], axis=1)
    assert sizes[:, 0].min() >= 57
    assert sizes[:, 0].max() <= 62
    assert sizes[:, 1].min() >= 17
    assert sizes[:, 1].max() <= 22


@settings(max_examples=20)
@given(crops=tables(), seed=st.integers(0, 9))
def test_search_is_never_worse_than_a_random_draw_that_meets_the_guarantees(
    crops: np.ndarray, seed: int
):
    problem = problem_of(crops)
    found = local_search(problem, np.random.default_rng(seed)).split
    drawn = random_search(problem, np.random.default_rng(seed))
    assert drawn is not None
    if problem.shortfall(problem.have(drawn)) == 0:
        assert problem.score(found) <= problem.score(drawn) + 1e-6


@settings(max_examples=15)
@given(crops=tables(most=7), minimum=st.tuples(st.integers(0, 6), st.integers(0, 3)))
def test_search_gives_the_best_guarantees_of_all_splits(
    crops: np.ndarray, minimum: tuple[int, int]
):
    problem = problem_of(crops, minimum=minimum)
    found = local_search(problem, np.random.default_rng(0))
    every = (np.array(s, dtype=np.int8) for s in product(range(3), repeat=len(crops)))
    least = min(problem.shortfall(problem.have(split)) for split in every)
    assert problem.shortfall(problem.have(found.split)) == pytest.approx(least, abs=1e-6)
    assert found.proven


@settings(max_examples=10)
@given(crops=tables(most=6))
def test_search_comes_near_the_best_score_of_all_splits(crops: np.ndarray):
    problem = problem_of(crops, minimum=(0, 0))
    every = (np.array(s, dtype=np.int8) for s in product(range(3), repeat=len(crops)))
    best = min(problem.score(split) for split in every)
    found = local_search(problem, np.random.default_rng(0)).split
    assert problem.score(found) <= 1.1 * best + 0.05


@settings(max_examples=10)
@given(crops=tables(), seed=st.integers(0, 99))
def test_the_same_seed_gives_the_same_split(crops: np.ndarray, seed: int):
    problem = problem_of(crops)
    first, second = (local_search(problem, np.random.default_rng(seed)).split for _ in range(2))
    assert (first == second).all()


@settings(max_examples=25)
@given(crops=tables(), seed=st.integers(0, 99))
def test_climbing_never_loses_guarantees_or_score(crops: np.ndarray, seed: int):
    problem = problem_of(crops, minimum=(3, 1))
    start = np.random.default_rng(seed).integers(0, 3, len(crops)).astype(np.int8)
    end = descend(problem, start)
    assert problem.score(end) <= problem.score(start) + 1e-9
    assert problem.shortfall(problem.have(end)) <= problem.shortfall(problem.have(start)) + 1e-9


@settings(max_examples=15)
@given(crops=tables(), seed=st.integers(0, 99))
def test_no_search_puts_a_unit_where_it_may_not_be(crops: np.ndarray, seed: int):
    rng = np.random.default_rng(seed)
    allowed = rng.random((len(crops), 3)) < 0.6
    allowed[:, 0] |= ~allowed.any(axis=1)
    problem = problem_of(crops, allowed=allowed)
    units = np.arange(len(crops))
    solved = solve_guarantees(problem).split
    assert solved is not None
    for split in (
        local_search(problem, rng).split,
        random_search(problem, rng, draws=50),
        greedy_start(problem, rng),
        solved,
    ):
        assert split is not None
        assert allowed[units, split].all()


@given(crops=tables())
def test_smallest_first_trains_every_class(crops: np.ndarray):
    split = smallest_first(problem_of(crops))
    assert (crops[split == 0].sum(axis=0) > 0).all()


def test_smallest_first_fills_test_and_val_to_their_shares_from_the_smallest_location():
    crops = np.array([[1.0], [2.0], [3.0], [4.0], [10.0]])
    assert smallest_first(problem_of(crops)).tolist() == [2, 2, 2, 1, 0]


def test_a_class_at_two_locations_is_trained_and_tested_and_the_rest_is_said_to_be_impossible():
    crops = np.zeros((12, 2))
    crops[:, 0] = 10
    crops[:2, 1] = 10
    problem = problem_of(crops, minimum=(5, 1))
    found = local_search(problem, np.random.default_rng(0))
    assert problem.have(found.split)[:, 1].tolist() == [10, 0, 10]
    assert problem.shortfall(problem.have(found.split)) == 0
    assert (problem.wanted > problem.have(found.split)).any()


def test_guarantees_that_greedy_starts_miss_are_met_by_the_programme():
    """Many rare classes at few locations: what one gets, another loses."""
    crops = (np.random.default_rng(3).random((30, 25)) < 0.1) * 1.0
    crops = crops[:, (crops > 0).sum(axis=0) >= 3]
    crops = crops[crops.any(axis=1)]
    problem = problem_of(crops)
    solved = solve_guarantees(problem)
    assert solved.proven
    assert solved.split is not None
    least = problem.shortfall(problem.have(solved.split))
    found = local_search(problem, np.random.default_rng(0)).split
    assert problem.shortfall(problem.have(found)) == pytest.approx(least)


def test_large_tables_are_split_with_fewer_draws_and_restarts_but_far_below_random():
    rng = np.random.default_rng(0)
    crops = (rng.random((400, 30)) < 0.15) * rng.lognormal(2, 1, (400, 30)).round()
    problem = problem_of(crops[:, crops.any(axis=0)], minimum=(5, 1))
    found = local_search(problem, rng)
    drawn = random_search(problem, rng, draws=1000)
    assert drawn is not None
    assert problem.shortfall(problem.have(found.split)) == 0
    assert problem.score(found.split) < 0.5 * problem.score(drawn)
    assert split_local._ALL_DRAWS_UNITS < 400
