import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classification.query import select

from .pools import make_pool


def one_at_a_time(pool, n):
    """The rule as published, in float64."""
    probs = pool.probs.astype(np.float64)

    def kl(p, q):
        return (p * np.log(p / q)).sum(axis=1)

    nearest = np.full(len(pool), np.inf)
    centres = np.flatnonzero(pool.labelled).tolist()
    picks = []
    if not centres:
        picks = centres = [int((-probs * np.log(probs)).sum(axis=1).argmax())]
    while True:
        for c in centres:
            nearest = np.minimum(nearest, kl(probs, probs[[c]]) / 2 + kl(probs[[c]], probs) / 2)
        if len(picks) == n:
            return picks
        nearest[pool.labelled] = nearest[picks] = -1
        centres = [int(nearest.argmax())]
        picks = picks + centres


@given(n=st.integers(1, 30), labelled=st.sets(st.integers(0, 59), max_size=20), seed=st.integers(0))
def test_picks_are_those_of_one_at_a_time_greedy(n, labelled, seed):
    pool = make_pool(60, labelled=labelled)
    rng = np.random.default_rng(seed)
    pool.probs[:] = rng.dirichlet(np.ones(5), size=60) @ np.eye(5, 7) * 0.99 + 0.01 / 7
    assert select("cdal", pool, n, rng).tolist() == one_at_a_time(pool, n)


def test_predictions_of_every_class_and_of_none_are_among_the_first():
    pool = make_pool(100, classes=3)
    pool.probs[:] = np.eye(7)[0]  # certain, and the other classes ruled out
    pool.probs[50] = np.eye(7)[4]
    pool.probs[60] = 1 / 7
    picks = select("cdal", pool, 5, np.random.default_rng(0))
    assert picks[0] == 60
    assert 50 in picks[:3]
    assert len(set(picks.tolist())) == 5


def test_weights_multiply_the_divergence():
    pool = make_pool(200, labelled=[0])
    weights = np.where(np.arange(200) < 100, 1.0, 0.0)
    picks = select("cdal", pool, 60, np.random.default_rng(0), weights=weights)
    assert picks.max() < 100
