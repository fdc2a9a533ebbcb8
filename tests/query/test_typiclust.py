import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.query import Pool, select, typiclust
from classification.query.clusters import UnitRows, kmeans

from .pools import make_pool


def check_by_the_paper(pool, picks, seed, *, neighbours, clusters, smallest):
    """The authors' loop, written for reading: each pick is the most typical (ties aside)."""
    rows = UnitRows(pool.embeddings, np.arange(len(pool)))
    k = min(int(pool.labelled.sum()) + len(picks), clusters)
    of = kmeans(rows, k, np.random.default_rng(seed)).of.copy()
    x, picks = rows[:].astype(float), iter(picks)
    sizes = np.bincount(of, minlength=k)
    known = np.bincount(of[pool.labelled], minlength=k)
    of[pool.labelled] = -1
    order = sorted(range(k), key=lambda c: (known[c], -sizes[c]))
    for group in ([c for c in order if sizes[c] >= smallest], order):
        while any((of == c).any() for c in group):
            for c in group:
                rows = np.flatnonzero(of == c)
                if not len(rows):
                    continue
                pick = next(picks, None)
                if pick is None:
                    return
                squared = ((x[rows][:, None] - x[rows]) ** 2).sum(axis=2)
                np.fill_diagonal(squared, np.inf)
                among = min(neighbours, len(rows) // 2)
                mean = np.sort(squared, axis=1)[:, :among].sum(axis=1) / max(among, 1)
                assert of[pick] == c
                assert mean[rows == pick] <= mean.min() + 1e-5
                of[pick] = -1


@given(
    n=st.integers(1, 80),
    labelled=st.sets(st.integers(0, 79), max_size=20),
    neighbours=st.integers(1, 6),
    clusters=st.integers(1, 20),
    smallest=st.integers(1, 8),
    seed=st.integers(0, 2**32),
)
def test_picks_are_those_of_the_paper(n, labelled, neighbours, clusters, smallest, seed):
    pool = make_pool(80, labelled=labelled, dim=3, seed=seed)
    n = min(n, 80 - len(labelled))
    options = {"neighbours": neighbours, "clusters": clusters, "smallest": smallest}
    picks = select("typiclust", pool, n, np.random.default_rng(seed), **options)
    check_by_the_paper(pool, picks.tolist(), seed, **options)


def clumps(*sizes, labelled=()):
    rng = np.random.default_rng(0)
    of = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.eye(len(sizes))[of] + 0.01 * rng.normal(size=(len(of), len(sizes)))
    mask = np.isin(np.arange(len(of)), labelled)
    pool = Pool(
        embeddings=rows.astype(np.float32),
        probs=None,
        labelled=mask,
        labels=np.where(mask, 7, -1),
    )
    return pool, of


def test_large_clusters_without_labels_come_first():
    pool, of = clumps(30, 80, 50, labelled=[40])  # the largest has a label
    picks = select("typiclust", pool, 2, np.random.default_rng(0))
    assert of[picks].tolist() == [2, 0]
    picks = select("typiclust", pool, 5, np.random.default_rng(0), clusters=3)
    assert of[picks].tolist() == [2, 0, 1, 2, 0]


def test_a_pick_lies_in_the_dense_middle_of_its_cluster():
    pool = Pool(
        embeddings=np.stack([np.ones(200), np.linspace(-1, 1, 200) ** 3], axis=1, dtype=np.float32),
        probs=None,
        labelled=np.zeros(200, dtype=bool),
        labels=np.full(200, -1),
    )
    assert 80 < select("typiclust", pool, 1, np.random.default_rng(0))[0] < 120


def test_tiny_clusters_are_left_for_the_end():
    pool, of = clumps(40, 2, 30)
    picks = select("typiclust", pool, 72, np.random.default_rng(0), clusters=3)
    assert set(of[picks[:70]].tolist()) == {0, 2}
    assert sorted(picks.tolist()) == list(range(72))


def test_large_clusters_in_parts_still_give_everything(monkeypatch):
    monkeypatch.setattr(typiclust, "_TOGETHER", 16)
    pool, of = clumps(60, 50)
    picks = select("typiclust", pool, 110, np.random.default_rng(0), clusters=2)
    assert sorted(picks.tolist()) == list(range(110))
    assert of[picks[:4]].tolist() == [0, 1, 0, 1]


def test_embeddings_are_asked_for():
    with pytest.raises(FieldmarkError, match="the pool has none"):
        select("typiclust", make_pool(9, dim=0), 2, np.random.default_rng(0))
