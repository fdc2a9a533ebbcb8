from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.query import Pool, centres, select

from .pools import make_pool


def lumps(sizes, *, probs=None, labelled=()):
    """Tight lumps in directions of their own; item i lies in lump `of[i]`."""
    rng = np.random.default_rng(0)
    of = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.eye(len(sizes))[of] + 0.02 * rng.normal(size=(len(of), len(sizes)))
    mask = np.isin(np.arange(len(of)), labelled)
    pool = Pool(
        embeddings=(rows * rng.uniform(0.5, 9, size=(len(of), 1))).astype(np.float32),
        probs=None if probs is None else np.array(probs, dtype=np.float32),
        labelled=mask,
        labels=np.where(mask, 1, -1),
    )
    return pool, of


def test_every_lump_gets_its_most_central_item_large_ones_first():
    pool, of = lumps([20, 60, 40])
    picks = select("cluster_centres", pool, 3, np.random.default_rng(0))
    assert of[picks].tolist() == [1, 2, 0]
    unit = pool.embeddings / np.linalg.norm(pool.embeddings, axis=1, keepdims=True)
    for pick in picks:
        lump = unit[of == of[pick]]
        from_mean = ((lump - lump.mean(axis=0)) ** 2).sum(axis=1)
        assert pick == np.flatnonzero(of == of[pick])[from_mean.argmin()]


def test_labelled_items_are_no_part_of_the_clusters():
    pool, of = lumps([30, 30], labelled=range(30))
    assert of[select("cluster_centres", pool, 2, np.random.default_rng(0))].tolist() == [1, 1]


def test_larger_batches_than_clusters_take_turns(monkeypatch):
    monkeypatch.setattr(centres, "_MOST", 2)
    pool, of = lumps([9, 11])
    picks = select("cluster_centres", pool, 20, np.random.default_rng(0))
    assert of[picks[:4]].tolist() == [1, 0, 1, 0]
    assert sorted(picks.tolist()) == list(range(20))


def test_only_the_uncertain_are_clustered_and_weigh_by_uncertainty():
    sure, unsure = [0.9, 0.1], [0.5, 0.5]
    pool, of = lumps([10, 10, 10], probs=[unsure] * 10 + [sure] * 10 + [unsure] * 10)
    picks = select("cluster_centres", pool, 2, np.random.default_rng(0), uncertain=10)
    assert sorted(of[picks].tolist()) == [0, 2]

    one, _ = lumps([50], probs=[unsure] + [[1, 0]] * 49)
    one = replace(one, embeddings=np.stack([np.ones(50), np.arange(50)], 1, dtype=np.float32))
    assert select("cluster_centres", one, 1, np.random.default_rng(0), weighted=True) == [0]
    assert select("cluster_centres", one, 1, np.random.default_rng(0)) != [0]


def test_uncertainty_asks_for_a_model_and_impossible_options_are_named():
    pool = replace(make_pool(9), probs=None)
    assert len(select("kmeans", pool, 3, np.random.default_rng(0))) == 3
    with pytest.raises(FieldmarkError, match="needs class probabilities"):
        select("cluster_centres", pool, 3, np.random.default_rng(0), weighted=True)
    with pytest.raises(FieldmarkError, match="uncertain is -1; give 0"):
        select("cluster_centres", pool, 3, np.random.default_rng(0), uncertain=-1)


def test_margin_cluster_mean_chooses_among_items_nearer_a_boundary_than_the_labels():
    near, nearer, far = [0.55, 0.45], [0.51, 0.49], [0.9, 0.1]
    probs = [far] * 6 + [near] * 4 + [nearer] * 5 + [[0.6, 0.4]]  # the last one is labelled
    pool, of = lumps([6, 4, 5, 1], probs=probs, labelled=[15])
    picks = select("margin_cluster_mean", pool, 2, np.random.default_rng(0))
    assert of[picks].tolist() == [2, 1]  # the smallest margin first
    more = select("margin_cluster_mean", pool, 12, np.random.default_rng(0))  # 9 are within
    assert of[more].tolist() == [2] * 5 + [1] * 4 + [0] * 3


@given(n=st.integers(1, 30), labelled=st.sets(st.integers(0, 29), max_size=25))
def test_margin_cluster_mean_takes_nothing_from_outside_while_inside_there_is_enough(n, labelled):
    pool = make_pool(30, labelled=labelled)
    n = min(n, 30 - len(labelled))
    picks = select("margin_cluster_mean", pool, n, np.random.default_rng(0))
    from_half = np.abs(pool.probs - 0.5)
    bars = from_half[sorted(labelled)].min(axis=0, initial=np.inf)
    inside = (from_half < bars).any(axis=1) & ~pool.labelled
    if inside.sum() >= n:
        assert inside[picks].all()
    else:
        margins = np.diff(np.sort(pool.probs, axis=1)[:, -2:])[:, 0]
        others = np.setdiff1d(pool.unlabelled, picks)
        assert margins[picks].max() <= margins[others].min(initial=2)
