from dataclasses import replace

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from classification.errors import FieldmarkError
from classification.query import scores, select

from .pools import make_pool


def test_cluster_margin_goes_round_the_clusters_of_the_lowest_margins():
    pool = make_pool(90, labelled=range(10), dim=6)
    n, candidates, clusters = 15, 3, 5
    picks = select(
        "cluster_margin",
        pool,
        n,
        np.random.default_rng(0),
        candidates=candidates,
        clusters=clusters,
    )
    unit = pool.embeddings / np.linalg.norm(pool.embeddings, axis=1, keepdims=True)
    of = fcluster(linkage(unit.astype(float), method="average"), clusters, criterion="maxclust")
    margin = scores.margin(pool.probs)
    lowest = pool.unlabelled[np.argsort(-margin[pool.unlabelled])][: n * candidates]
    assert set(picks.tolist()) <= set(lowest.tolist())
    left = {int(c): int((of[lowest] == c).sum()) for c in np.unique(of[lowest])}
    sizes, asked = dict(left), of[picks].tolist()
    while asked:  # a turn: every cluster that has some left once, smaller ones first
        turn = [asked.pop(0) for _ in range(min(len(asked), sum(k > 0 for k in left.values())))]
        assert len(set(turn)) == len(turn)
        assert all(left[c] > 0 for c in turn)
        assert [sizes[c] for c in turn] == sorted(sizes[c] for c in turn)
        left = {c: k - (c in turn) for c, k in left.items()}


def test_copies_of_one_uncertain_item_do_not_fill_the_batch():
    pool = make_pool(60, dim=6)
    pool.embeddings[:30] = pool.embeddings[0]
    probs = np.full((60, 3), [0.8, 0.1, 0.1], dtype=np.float32)
    probs[:30] = [0.4, 0.35, 0.25]
    pool = replace(pool, probs=probs)
    assert max(select("margin", pool, 6, np.random.default_rng(0))) < 30
    picks = select("cluster_margin", pool, 6, np.random.default_rng(0))
    assert (picks < 30).sum() <= 1


def test_informative_diverse_takes_low_margins_in_proportion_to_the_clusters():
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], [120, 60, 20])
    pool = replace(
        make_pool(200, labelled=[0, 130]),
        embeddings=(np.eye(3)[kind] + 0.05 * rng.normal(size=(200, 3))).astype(np.float32),
    )
    picks = select("informative_diverse", pool, 20, rng, clusters=3)
    assert np.bincount(kind[picks]).tolist() == [12, 6, 2]
    margin = scores.margin(pool.probs)
    for c in range(3):
        free = pool.unlabelled[kind[pool.unlabelled] == c]
        lowest = free[np.argsort(-margin[free])][: (kind[picks] == c).sum()]
        assert set(lowest.tolist()) == set(picks[kind[picks] == c].tolist())


def test_informative_diverse_fills_up_with_the_lowest_margins_left():
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1], [50, 50])
    pool = replace(
        make_pool(100, labelled=range(48)),
        embeddings=(np.eye(2)[kind] + 0.05 * rng.normal(size=(100, 2))).astype(np.float32),
    )
    picks = select("informative_diverse", pool, 10, rng, clusters=2)
    assert np.bincount(kind[picks]).tolist() == [2, 8]  # all that the first cluster has left


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("cluster_margin", {"candidates": 0}, "give 1 or more candidates"),
        ("informative_diverse", {"clusters": -1}, "clusters is -1"),
    ],
)
def test_impossible_options_are_named(name, options, expected):
    with pytest.raises(FieldmarkError, match=expected):
        select(name, make_pool(5), 1, np.random.default_rng(0), **options)
