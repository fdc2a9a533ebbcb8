from dataclasses import replace

import numpy as np
import pytest

from classification.errors import FieldmarkError
from classification.linear import fit_linear
from classification.query import select

from .pools import make_pool


def with_model(n=150, labelled=tuple(range(0, 60, 4)), seed=0):
    """A pool whose probabilities are those of a head on its labels."""
    pool = make_pool(n, labelled=labelled, seed=seed)
    head = fit_linear(pool.embeddings[pool.taught], pool.labels[pool.taught])
    probs = head.predict(pool.embeddings, pool.probs.shape[1])
    return replace(pool, head=head, probs=probs, committee=None)


def test_one_step_of_one_simulation_is_the_strategy_itself():
    pool = with_model()
    picks = select("simulate_batch", pool, 8, np.random.default_rng(0), simulations=1, steps=1)
    assert set(picks.tolist()) == set(select("margin", pool, 8, np.random.default_rng(0)).tolist())


def test_frequency_takes_what_most_trajectories_picked():
    pool = with_model()
    firsts = set(select("margin", pool, 2, np.random.default_rng(0)).tolist())
    # The first step of every trajectory is the same; what follows depends on the guesses.
    picks = select("simulate_batch", pool, 10, np.random.default_rng(1), steps=5)
    assert firsts <= set(picks.tolist())
    other = select("simulate_batch", pool, 10, np.random.default_rng(2), steps=5)
    assert firsts <= set(other.tolist()) != set(picks.tolist())


def test_best_returns_one_trajectory_and_needs_no_labels():
    for labelled in ((), (0, 4), tuple(range(0, 60, 4))):
        pool = make_pool(80, labelled=labelled)
        options = {"choose": "best", "steps": 3, "simulations": 3}
        picks = select("simulate_batch", pool, 9, np.random.default_rng(0), **options)
        assert len(set(picks.tolist())) == 9


def test_any_strategy_with_its_options_can_be_simulated_on_a_sample():
    picks = select(
        "simulate_batch",
        with_model(300),
        6,
        np.random.default_rng(0),
        base="class_high",
        options={"target": 2},
        steps=3,
        sample=50,
    )
    assert len(set(picks.tolist())) == 6


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"choose": "worst"}, "choose is 'worst'; allowed: frequency, best"),
        ({"steps": 0}, "steps 0"),
        ({"base": "margn"}, "unknown strategy 'margn'"),
    ],
)
def test_impossible_simulations_are_named(options, expected):
    with pytest.raises(FieldmarkError, match=expected):
        select("simulate_batch", make_pool(9), 2, np.random.default_rng(0), **options)
