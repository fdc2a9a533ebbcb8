from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.query import select
from classification.query.clusters import UnitRows, kmeans
from classification.query.probcover import pure_radius

from .pools import make_pool


def distances(pool):
    x = pool.embeddings.astype(float)
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    x = np.divide(x, lengths, out=np.zeros_like(x), where=lengths > 0)
    return np.sqrt(((x[:, None] - x) ** 2).sum(axis=2))


@given(
    n=st.integers(1, 50),
    labelled=st.sets(st.integers(0, 49), max_size=30),
    delta=st.sampled_from([0.1, 0.35, 0.8, 2.0]),
    seed=st.integers(0, 2**32),
)
def test_every_pick_covers_as_much_as_any_could(n, labelled, delta, seed):
    pool = make_pool(50, labelled=labelled, seed=seed)
    pool.embeddings[:3] = 0
    pool.embeddings[5:8] = pool.embeddings[5]
    n = min(n, 50 - len(labelled))
    picks = select("probcover", pool, n, np.random.default_rng(seed), delta=delta)
    within = distances(pool) < delta
    uncovered = ~within[pool.labelled].any(axis=0)
    for pick in picks:
        gains = (within & uncovered).sum(axis=1)
        assert gains[pick] == gains.max()
        uncovered &= ~within[pick]


def test_equal_balls_are_chosen_at_random():
    pool = make_pool(40)
    pool.embeddings[:] = np.repeat(np.eye(4), 10, axis=0)
    first = {
        int(select("probcover", pool, 1, np.random.default_rng(s), delta=0.5)[0]) for s in range(20)
    }
    assert len(first) > 8
    four = select("probcover", pool, 4, np.random.default_rng(0), delta=0.5)
    assert sorted((four // 10).tolist()) == [0, 1, 2, 3]


@given(
    seed=st.integers(0, 2**32),
    classes=st.integers(2, 5),
    purity=st.sampled_from([0.5, 0.8, 0.95, 1.0]),
)
def test_the_radius_is_the_largest_with_enough_pure_balls(seed, classes, purity):
    pool = make_pool(60, classes=classes, seed=seed)
    rows = UnitRows(pool.embeddings, np.arange(60))
    radius = pure_radius(rows, classes, purity, np.random.default_rng(seed))
    of, apart = kmeans(rows, classes, np.random.default_rng(seed)).of, distances(pool)

    def share(delta):
        return np.mean([len(set(of[near < delta])) <= 1 for near in apart])

    assert share(radius - 1e-5) >= purity - 1e-9
    assert radius == 2 or share(radius + 1e-5) < purity


def test_one_cluster_has_balls_without_limit():
    pool = make_pool(30)
    rows = UnitRows(pool.embeddings, np.arange(30))
    assert pure_radius(rows, 1, 0.95, np.random.default_rng(0)) == 2


def test_the_radius_keeps_separate_classes_apart():
    pool = make_pool(300, classes=6, dim=32)
    rng = np.random.default_rng(0)
    truth = rng.integers(6, size=300)
    pool.embeddings[:] = np.eye(32)[truth] + 0.05 * rng.normal(size=(300, 32))
    picks = select("probcover", replace(pool, probs=None), 6, rng, classes=6)
    assert sorted(truth[picks].tolist()) == list(range(6))


@settings(max_examples=20)
@given(n=st.integers(1, 70), sample=st.integers(1, 30), delta=st.sampled_from([0.0, 0.2, 2.0]))
def test_any_batch_comes_from_any_sample(n, sample, delta):
    pool = make_pool(80, labelled=range(10))
    pool.embeddings[20:70] = np.repeat(pool.embeddings[:5], 10, axis=0)  # copies
    picks = select("probcover", pool, n, np.random.default_rng(0), sample=sample, delta=delta)
    assert len(set(picks.tolist())) == n
    assert not pool.labelled[picks].any()


def test_a_sample_covers_nearly_as_much():
    pool = make_pool(900, classes=30, dim=12)
    within = distances(pool) < 0.4
    exact, part, drawn = (
        np.mean(
            [
                within[select(name, pool, 30, np.random.default_rng(s), **options)]
                .any(axis=0)
                .mean()
                for s in range(5)
            ]
        )
        for name, options in (
            ("probcover", {"delta": 0.4}),
            ("probcover", {"delta": 0.4, "sample": 300}),
            ("random", {}),
        )
    )
    assert exact - part < 0.15 * (exact - drawn)


@pytest.mark.parametrize(
    "option", [{"delta": -0.1}, {"delta": 2.1}, {"purity": 0}, {"classes": -1}, {"sample": 0}]
)
def test_impossible_options_are_named(option):
    with pytest.raises(FieldmarkError, match=f"{next(iter(option))} {'is ' * ('delta' in option)}"):
        select("probcover", make_pool(9), 2, np.random.default_rng(0), **option)
