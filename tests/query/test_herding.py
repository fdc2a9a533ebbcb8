from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.query import select, similar
from classification.query.temperature import at_temperature

from .pools import make_pool


def similarities(pool, sigma):
    x = pool.embeddings.astype(float)
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    x = np.divide(x, lengths, out=np.zeros_like(x), where=lengths > 0)
    return np.exp(-((x[:, None] - x) ** 2).sum(axis=2) / sigma**2)


def coverage(pool, picks, sigma=1.0):
    """The mean similarity of all items to the nearest labelled or chosen one."""
    chosen = pool.labelled.copy()
    chosen[picks] = True
    return similarities(pool, sigma)[:, chosen].max(axis=1).mean()


def check_greedy(pool, picks, sigma, weights):
    """Each pick gains as much as any item would have, to rounding."""
    k = similarities(pool, sigma)
    weights = np.where(pool.labelled, 0, weights)
    covered = np.zeros(len(pool))
    if pool.labelled.any():
        covered = k[:, pool.labelled].max(axis=1)
    for pick in picks:
        gains = weights @ np.maximum(k - covered[:, None], 0)
        gains[pool.labelled] = -1
        assert gains[pick] >= gains.max() - 1e-4
        covered = np.maximum(covered, k[:, pick])


@given(
    n=st.integers(1, 40),
    labelled=st.sets(st.integers(0, 39), max_size=30),
    sigma=st.sampled_from([0.2, 1.0, 3.0]),
    seed=st.integers(0, 2**32),
)
def test_maxherding_is_the_greedy_choice(n, labelled, sigma, seed):
    pool = make_pool(40, labelled=labelled, seed=seed)
    pool.embeddings[:3] = 0  # zero rows are far from all others and near one another
    pool.embeddings[5:8] = pool.embeddings[5]
    picks = select("maxherding", pool, n, np.random.default_rng(seed), sigma=sigma)
    check_greedy(pool, picks, sigma, np.ones(40))


@given(
    n=st.integers(1, 40),
    labelled=st.sets(st.integers(0, 39), min_size=2, max_size=30),
    temperature=st.sampled_from([1.0, 2.5]),
    seed=st.integers(0, 2**32),
)
def test_uherding_weighs_by_uncertainty(n, labelled, temperature, seed):
    pool = make_pool(40, labelled=labelled, seed=seed)
    options = {"sigma": 0.5, "temperature": temperature}
    picks = select("uherding", pool, n, np.random.default_rng(seed), **options)
    top = np.sort(at_temperature(pool.probs, temperature), axis=1)
    check_greedy(pool, picks, 0.5, 1 - (top[:, -1] - top[:, -2]))


def test_uherding_without_a_model_is_maxherding():
    pool = make_pool(60, labelled=[3])
    herd = select("maxherding", pool, 20, np.random.default_rng(0))
    for bare in (replace(pool, probs=None), replace(pool, labels=np.full(60, -1))):
        unsure = select("uherding", bare, 20, np.random.default_rng(0), sigma=1.0)
        assert unsure.tolist() == herd.tolist()


def test_uherding_goes_over_to_margin_as_labels_get_dense():
    pool = make_pool(200, labelled=range(80), dim=8)
    pool.embeddings[1] = pool.embeddings[0] + 0.05  # two labels close by: a narrow similarity
    unsure = select("uherding", pool, 15, np.random.default_rng(0), temperature=1.0)
    by_margin = select("margin", pool, 15, np.random.default_rng(0))
    assert unsure.tolist() == by_margin.tolist()


def test_coinciding_labels_do_not_make_the_similarity_vanish():
    pool = make_pool(60, labelled=range(20))
    pool.embeddings[:20] = pool.embeddings[0]
    one = select("uherding", pool, 5, np.random.default_rng(0), temperature=1.0)
    other = select("uherding", pool, 5, np.random.default_rng(0), temperature=1.0, sigma=1.0)
    assert one.tolist() == other.tolist()


def test_a_sample_covers_nearly_as_well_and_far_better_than_random_picks():
    pool = make_pool(600, classes=30, dim=12)
    exact, part, drawn = (
        np.mean(
            [
                coverage(pool, select(name, pool, 30, np.random.default_rng(s), **options))
                for s in range(5)
            ]
        )
        for name, options in (("maxherding", {}), ("maxherding", {"sample": 150}), ("random", {}))
    )
    assert exact - part < 0.15 * (exact - drawn)


def test_picks_put_right_cover_better_than_those_of_the_sample(monkeypatch):
    pool = make_pool(600, classes=30, dim=12)
    moved = select("maxherding", pool, 20, np.random.default_rng(0), sample=100)
    monkeypatch.setattr(similar.Surroundings, "_moved", lambda self, picks, rng: picks)
    unmoved = select("maxherding", pool, 20, np.random.default_rng(0), sample=100)
    assert coverage(pool, moved) > coverage(pool, unmoved)


@settings(max_examples=20)
@given(n=st.integers(1, 70), sample=st.integers(1, 30), wider=st.integers(1, 50))
def test_any_batch_comes_from_any_sample(n, sample, wider):
    pool = make_pool(80, labelled=range(10))
    pool.embeddings[20:70] = np.repeat(pool.embeddings[:5], 10, axis=0)  # copies
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similar, "_WIDER", wider)
        for name in ("maxherding", "uherding"):
            picks = select(name, pool, n, np.random.default_rng(0), sample=sample)
            assert len(set(picks.tolist())) == n
            assert not pool.labelled[picks].any()


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("maxherding", {"sigma": 0.0}, "sigma is 0.0"),
        ("uherding", {"sigma": -1.0}, "sigma is -1.0"),
        ("maxherding", {"sample": 0}, "sample is 0; give 1 or more"),
        ("uherding", {"temperature": -1.0}, "temperature is -1.0; give 0"),
    ],
)
def test_impossible_options_are_named(name, options, expected):
    with pytest.raises(FieldmarkError, match=expected):
        select(name, make_pool(9, labelled=[1, 2]), 2, np.random.default_rng(0), **options)
