from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.query import greedy, select
from classification.query.distances import unit_rows

from .pools import make_pool


def one_at_a_time(x, labelled, n, weights):
    """The rule as published: every distance in float64, a pass over all items per pick."""
    x = x.astype(np.float64)
    centres = list(np.flatnonzero(labelled))
    picks = []
    for _ in range(n):
        if centres:
            nearest = np.min([np.linalg.norm(x - x[c], axis=1) for c in centres], axis=0)
            gain = weights * nearest
        elif len(set(weights.tolist())) > 1:
            gain = weights.copy()
        else:
            gain = -np.linalg.norm(x - x.mean(axis=0), axis=1)
        gain[[i for i in range(len(x)) if labelled[i] or i in picks]] = -np.inf
        picks.append(int(np.argmax(gain)))
        centres.append(picks[-1])
    return picks


@given(
    n=st.integers(1, 30),
    labelled=st.sets(st.integers(0, 59), max_size=20),
    seed=st.integers(0, 999),
    metric=st.sampled_from(["euclidean", "cosine"]),
    weighted=st.booleans(),
)
def test_picks_are_those_of_one_at_a_time_greedy(n, labelled, seed, metric, weighted):
    pool = make_pool(60, labelled=labelled, seed=seed)
    x = unit_rows(pool.embeddings) if metric == "cosine" else pool.embeddings
    weights = np.random.default_rng(seed).random(60) if weighted else np.ones(60)
    options = {"weights": weights} if weighted else {}
    picks = select("kcenter", pool, n, np.random.default_rng(0), metric=metric, **options)
    assert picks.tolist() == one_at_a_time(x, pool.labelled, n, weights)


@pytest.mark.parametrize("labelled", [range(7), ()])
def test_picks_of_many_passes_over_a_pool_of_many_blocks_are_the_same(monkeypatch, labelled):
    monkeypatch.setattr(greedy, "_WINDOW", 16)
    pool = make_pool(5000, labelled=labelled, dim=8)
    picks = select("coreset", pool, 60, np.random.default_rng(0))
    assert picks.tolist() == one_at_a_time(pool.embeddings, pool.labelled, 60, np.ones(5000))


def test_a_common_offset_of_all_embeddings_changes_no_pick():
    pool = make_pool(400, dim=6, labelled=[1])
    moved = replace(pool, embeddings=pool.embeddings + np.float32(50))
    picks = [select("kcenter", p, 50, np.random.default_rng(0)).tolist() for p in (pool, moved)]
    assert picks[0] == picks[1]


def test_items_decided_without_a_class_count_as_covered():
    pool = make_pool(40, labelled=[3])
    pool.labels[3] = -1
    pool.embeddings[:20] = pool.embeddings[3]
    picks = select("kcenter", pool, 20, np.random.default_rng(0))
    assert sorted(picks.tolist()) == list(range(20, 40))


def test_what_coincides_with_a_pick_fills_the_batch_at_random():
    pool = make_pool(60)
    pool.embeddings[:] = pool.embeddings[np.arange(60) % 4]
    batches = [select("kcenter", pool, 10, np.random.default_rng(seed)) for seed in range(5)]
    assert all(len({int(i) % 4 for i in picks[:4]}) == 4 for picks in batches)
    assert len({tuple(picks[4:].tolist()) for picks in batches}) == 5


def test_it_needs_embeddings_and_sound_options():
    pool = make_pool(10)
    with pytest.raises(FieldmarkError, match=r"the pool has none \(0 columns\)"):
        select("kcenter", replace(pool, embeddings=np.zeros((10, 0), np.float32)), 2, rng())
    with pytest.raises(FieldmarkError, match="unknown metric 'l1'; allowed: euclidean, cosine"):
        select("kcenter", pool, 2, rng(), metric="l1")
    with pytest.raises(FieldmarkError, match=r"negative, NaN or infinite: \[0, 1"):
        select("kcenter", pool, 2, rng(), weights=np.full(10, -1.0))
    with pytest.raises(FieldmarkError, match="give a number per item"):
        select("kcenter", pool, 2, rng(), weights=np.ones(9))
    with pytest.raises(FieldmarkError, match="weights is <U1 of shape"):
        select("kcenter", pool, 2, rng(), weights=["a"] * 10)


def rng():
    return np.random.default_rng(0)
