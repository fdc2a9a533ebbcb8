import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from classification.query import linkage as module
from classification.query.clusters import UnitRows
from classification.query.linkage import agglomerate, tree_of


def unit(n, dim=4, seed=0):
    rows = np.random.default_rng(seed).normal(size=(n, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def same_parts(a, b):
    """Whether two labelings name the same partition."""
    pairs = set(zip(a.tolist(), b.tolist(), strict=True))
    return len(pairs) == len(set(a.tolist())) == len(set(b.tolist()))


@pytest.mark.parametrize("kind", ["average", "ward"])
@given(n=st.integers(2, 40), clusters=st.integers(1, 12), seed=st.integers(0, 999))
def test_clusters_are_those_of_scipy(kind, n, clusters, seed):
    rows = unit(n, seed=seed)
    tree = tree_of(UnitRows(rows, np.arange(n)), kind, np.random.default_rng(0))
    peer = linkage(rows.astype(np.float64), method=kind)
    np.testing.assert_allclose(tree.heights, peer[:, 2], atol=1e-3)
    expected = fcluster(peer, min(clusters, n), criterion="maxclust")
    assert same_parts(tree.cut(clusters), expected)


@pytest.mark.parametrize("kind", ["average", "ward"])
def test_a_weighted_point_counts_as_so_many_copies_of_it(kind):
    rows, copies = unit(15), np.random.default_rng(1).integers(1, 5, size=15)
    children, heights = agglomerate(rows, copies.astype(float), kind)
    peer = linkage(np.repeat(rows, copies, axis=0).astype(np.float64), method=kind)
    np.testing.assert_allclose(heights, peer[-14:, 2], atol=1e-3)
    assert children.shape == (14, 2)


def test_a_large_pool_gets_a_tree_over_its_k_means_clusters(monkeypatch):
    monkeypatch.setattr(module, "LEAVES", 30)
    rng = np.random.default_rng(0)
    kind = rng.integers(6, size=900)
    rows = (np.eye(6)[kind] + 0.05 * rng.normal(size=(900, 6))).astype(np.float32)
    tree = tree_of(UnitRows(rows, np.arange(900)), "average", rng)
    assert tree.leaves <= 30
    assert same_parts(tree.cut(6), kind)


def test_what_parts_a_large_pool_is_found_among_many_directions_of_noise(monkeypatch):
    monkeypatch.setattr(module, "LEAVES", 30)
    monkeypatch.setattr(module, "DIRECTIONS", 8)
    rng = np.random.default_rng(0)
    kind = rng.integers(6, size=900)
    rows = 0.05 * rng.normal(size=(900, 100))
    rows[:, 40:46] += np.eye(6)[kind]
    tree = tree_of(UnitRows(rows.astype(np.float32), np.arange(900)), "ward", rng)
    assert same_parts(tree.cut(6), kind)


@pytest.mark.parametrize("kind", ["average", "ward"])
@pytest.mark.parametrize("dims", [3, 20])
def test_a_large_pool_of_copies_has_a_leaf_for_each(monkeypatch, kind, dims):
    monkeypatch.setattr(module, "LEAVES", 10)
    monkeypatch.setattr(module, "DIRECTIONS", 8)
    rows = np.zeros((50, dims), dtype=np.float32)
    rows[20:40, 0] = rows[40:, 1] = 1
    tree = tree_of(UnitRows(rows, np.arange(50)), kind, np.random.default_rng(0))
    assert same_parts(tree.leaf, np.repeat([0, 1, 2], [20, 20, 10]))


@pytest.mark.parametrize("kind", ["average", "ward"])
def test_copies_and_a_single_point_are_fine(kind):
    rows = np.zeros((20, 3), dtype=np.float32)
    rows[10:] = 1
    tree = tree_of(UnitRows(rows, np.arange(20)), kind, np.random.default_rng(0))
    assert same_parts(tree.cut(2), np.arange(20) // 10)
    one = tree_of(UnitRows(rows, np.arange(1)), kind, np.random.default_rng(0))
    assert one.cut(3).tolist() == [0]
