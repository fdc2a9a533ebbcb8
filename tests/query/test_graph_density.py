import numpy as np
import pytest

from classification.errors import FieldmarkError
from classification.query import select

from .pools import make_pool


def by_definition(pool, n, k):
    unit = pool.embeddings / np.linalg.norm(pool.embeddings, axis=1, keepdims=True)
    apart = ((unit[:, None].astype(float) - unit[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    near = np.argsort(apart, axis=1)[:, :k]
    scale = np.take_along_axis(apart, near, axis=1).mean()
    edge = np.zeros(apart.shape, dtype=bool)
    for i, row in enumerate(near):
        edge[i, row] = edge[row, i] = True
    weight = np.where(edge, np.exp(-apart / (2 * scale)), 0)
    density = weight.sum(axis=1) / edge.sum(axis=1)
    picks = []
    for allowed, count in ((pool.labelled, pool.labelled.sum()), (~pool.labelled, n)):
        left = set(np.flatnonzero(allowed).tolist())
        for _ in range(count):
            i = max(left, key=lambda i: density[i])
            left.remove(i)
            picks.append(i)
            density[edge[i]] -= max(density[i], 0)
    return picks[-n:]


@pytest.mark.parametrize("labelled", [(), (3, 7, 11, 30)])
@pytest.mark.parametrize("n", [1, 10, 40])
def test_picks_are_those_of_the_definition(labelled, n):
    pool = make_pool(50, labelled=labelled, dim=5, seed=n)
    picks = select("graph_density", pool, n, np.random.default_rng(0), neighbours=4)
    assert picks.tolist() == by_definition(pool, n, 4)


def test_dense_groups_are_asked_about_and_not_twice_in_a_row():
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], [40, 40, 8])
    pool = make_pool(88)
    spread = np.array([0.02, 0.02, 0.6])[kind, None]
    pool.embeddings[:] = np.eye(4)[kind] + spread * rng.normal(size=(88, 4))
    picks = select("graph_density", pool, 4, rng, neighbours=10)
    assert set(kind[picks].tolist()) == {0, 1}


def test_only_a_sample_of_a_large_pool_is_looked_at():
    pool = make_pool(300, labelled=range(20))
    picks = select("graph_density", pool, 5, np.random.default_rng(0), sample=30)
    assert len(set(picks.tolist())) == 5
    more = select("graph_density", pool, 280, np.random.default_rng(0), sample=30)
    assert sorted(more.tolist()) == pool.unlabelled.tolist()


def test_copies_and_zero_rows_leave_no_preference_for_the_front():
    pool = make_pool(200)
    pool.embeddings[:] = 0
    picks = select("graph_density", pool, 20, np.random.default_rng(0))
    assert 60 < picks.mean() < 140


def test_impossible_options_are_named():
    with pytest.raises(FieldmarkError, match="neighbours is 0"):
        select("graph_density", make_pool(5), 1, np.random.default_rng(0), neighbours=0)
