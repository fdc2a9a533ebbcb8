from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from classification.errors import FieldmarkError
from classification.query import select
from classification.query.clusters import UnitRows
from classification.query.hierarchical import bounds, prune
from classification.query.linkage import tree_of

from .pools import make_pool


def blobs(labelled):
    """Three groups: 100 items of one class, 100 of another, and 50 of both."""
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], [100, 100, 50])
    truth = np.where(kind == 2, rng.integers(2, size=250), kind)
    mask = np.zeros(250, dtype=bool)
    mask[labelled] = True
    embeddings = (4 * np.eye(3)[kind] + 0.2 * rng.normal(size=(250, 3))).astype(np.float32)
    labels = np.where(mask, 3 * truth + 1, -1)
    return replace(make_pool(250), embeddings=embeddings, labelled=mask, labels=labels), kind


def test_what_the_tree_does_not_know_is_asked():
    labelled = np.concatenate([np.arange(0, 30), np.arange(100, 130), np.arange(200, 212)])
    pool, kind = blobs(labelled)
    picks = select("hierarchical", pool, 20, np.random.default_rng(0))
    assert (kind[picks] == 2).mean() > 0.6  # 22 % of what may be asked


def test_without_labels_it_draws_at_random():
    pool = make_pool(20)
    rng, counts = np.random.default_rng(0), np.zeros(20)
    for _ in range(400):
        counts[select("hierarchical", pool, 5, rng)] += 1
    assert chisquare(counts).pvalue > 1e-3


def test_bounds_are_those_of_the_paper():
    low, high = bounds(np.array([[0.0, 0, 0], [3, 1, 0], [1, 0, 0]]))
    assert low[0].tolist() == [0, 0, 0]
    assert high[0].tolist() == [1, 1, 1]
    off = 1 / 4 + np.sqrt(0.75 * 0.25 / 4)
    np.testing.assert_allclose(low[1], [0.75 - off, 0, 0])
    np.testing.assert_allclose(high[1], [1, 0.25 + off, 0.25])
    np.testing.assert_allclose(high[2], [1, 1, 1])


def cuts(tree, node):
    """Every set of nodes that covers the leaves below `node` once, with what was split for it."""
    yield [node], []
    if node >= tree.leaves:
        left, right = (list(cuts(tree, int(c))) for c in tree.children[node - tree.leaves])
        for (a, split_a), (b, split_b) in product(left, right):
            yield a + b, [node, *split_a, *split_b]


@given(seed=st.integers(0, 9999), many=st.integers(1, 30))
def test_the_cut_has_the_least_error_of_all_that_are_admissible(seed, many):
    rng = np.random.default_rng(seed)
    leaves, beta = 6, 2.0
    rows = rng.normal(size=(leaves, 3)).astype(np.float32)
    tree = tree_of(UnitRows(rows, np.arange(leaves)), "ward", rng)
    counts, sizes = np.zeros((2 * leaves - 1, 4)), np.zeros(2 * leaves - 1)
    counts[:leaves, :3] = rng.integers(many, size=(leaves, 3)) * (rng.random((leaves, 3)) < 0.5)
    sizes[:leaves] = rng.integers(1, 50, size=leaves)
    for node, pair in enumerate(tree.children, start=leaves):
        counts[node], sizes[node] = counts[pair].sum(axis=0), sizes[pair].sum()
    low, high = bounds(counts)

    def error(v):
        """Least error of a class that is admissible for the node, else 1; and whether one is."""
        least, any_ = 1.0, False
        for c in range(4):
            others = min(1 - high[v, k] for k in range(4) if k != c)
            if 1 - low[v, c] < beta * others:
                least, any_ = min(least, 1 - counts[v, c] / counts[v].sum()), True
        return least, any_

    def cost(nodes):
        return sum(sizes[v] * error(v)[0] for v in nodes)

    nodes, known = prune(tree, counts, sizes, beta)
    allowed = [c for c, split in cuts(tree, 2 * leaves - 2) if all(error(v)[1] for v in split)]
    assert cost(nodes) == pytest.approx(min(cost(c) for c in allowed))
    assert sorted(nodes.tolist()) in [sorted(c) for c in allowed]
    assert len(known) == len(nodes)
    assert ((known >= 0) & (known <= 1)).all()


def test_a_beta_that_admits_nothing_is_named():
    with pytest.raises(FieldmarkError, match="beta is 1; give more than 1"):
        select("hierarchical", make_pool(5), 1, np.random.default_rng(0), beta=1)
