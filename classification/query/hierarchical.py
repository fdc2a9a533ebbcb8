"""Hierarchical sampling: labels are asked where a cluster tree does not yet know them.

Dasgupta and Hsu 2008, "Hierarchical sampling for active learning", with Ward's tree as in
google/active-learning (2019). Labels bound the share of each class in every node of the tree. The
tree is cut into the nodes that these bounds allow to be given one class each with the least error
in all; a node is then asked in proportion to its size and to the share of it that may be wrong.
"""

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.clusters import UnitRows
from classification.query.linkage import Tree, tree_of
from classification.query.needs import need_embeddings
from classification.query.pool import Pool
from classification.query.ranking import rank_within

Reals = NDArray[np.float64]


def hierarchical(
    pool: Pool, n: int, rng: np.random.Generator, *, beta: float = 2.0
) -> NDArray[np.intp]:
    """`n` items drawn one after the other: a node of the cut, then an unlabelled item of it.

    The tree is of the items, or of 2,000 k-means clusters of them (`linkage.tree_of`). It needs no
    model. The cut starts from the root with all labels at hand, where the paper refines that of the
    round before. Cost: that of the k-means. Memory: 100 MB, and the k-means'.

    Args:
        pool, n, rng: as of every strategy.
        beta: how many times less than that of any other class the error of a class may be before
            it can stand for a node: the paper's 2; above 1. Higher admits classes sooner.
    """
    if beta <= 1:
        raise FieldmarkError(f"beta is {beta}; give more than 1, the paper has 2")
    tree = tree_of(UnitRows(need_embeddings(pool), np.arange(len(pool))), "ward", rng)
    counts = _counts(tree, pool)
    sizes = _totals(tree, np.bincount(tree.leaf, minlength=tree.leaves).astype(np.float64))
    nodes, known = prune(tree, counts, sizes, beta)
    of = _node_of(tree, nodes)[tree.leaf]
    return _draw(of, sizes[nodes] * (1 - known), pool.unlabelled, n, rng)


def bounds(counts: Reals) -> tuple[Reals, Reals]:
    """Least and largest share of each class in a node, by its labels: float64 [V, K] each.

    With p of n labels: p -+ (1/n + sqrt(p (1 - p) / n)), the paper's; 0 and 1 without labels.
    """
    n = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(n, 1)
    off = 1 / np.maximum(n, 1) + np.sqrt(share * (1 - share) / np.maximum(n, 1))
    return np.maximum(share - off, 0), np.where(n > 0, np.minimum(share + off, 1), 1)


def prune(tree: Tree, counts: Reals, sizes: Reals, beta: float) -> tuple[NDArray[np.intp], Reals]:
    """The best cut of the tree and how much of each node is surely of its class.

    Args:
        tree: L leaves.
        counts: float64 [V, K], labels of each class in each node; V = 2 L - 1.
        sizes: float64 [V], items in each node.
        beta: see `hierarchical`.

    Returns:
        Nodes intp [P] whose leaves are all leaves once, and the lower bound on the share of the
        class of each, float64 [P]; 0 where nothing is known.
    """
    low, high = bounds(counts)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    error = np.where(_admissible(low, high, beta), 1 - share, 1.0)
    best, score = error.argmin(axis=1), error.min(axis=1)
    decided = _admissible(low, high, beta)[np.arange(len(best)), best]
    split = np.zeros(len(best), dtype=bool)
    for node, pair in enumerate(tree.children, start=tree.leaves):
        parts = (sizes[pair] / sizes[node]) @ score[pair]
        if decided[node] and parts < score[node]:
            score[node], split[node] = parts, True
    nodes, known, stack = [], [], [(len(best) - 1, -1)]
    while stack:
        node, label = stack.pop()
        label = int(best[node]) if decided[node] else label  # else that of the node above
        if split[node]:
            stack += [(int(child), label) for child in tree.children[node - tree.leaves]]
        else:
            nodes.append(node)
            known.append(float(low[node, label]) if label >= 0 else 0.0)
    return np.array(nodes, dtype=np.intp), np.array(known)


def _admissible(low: Reals, high: Reals, beta: float) -> NDArray[np.bool_]:
    """Whether the error of a class is surely under `beta` times that of any other: [V, K]."""
    if high.shape[1] < 2:  # no label yet
        return np.zeros(high.shape, dtype=bool)
    order = np.sort(high, axis=1)
    others = np.where(high == order[:, -1:], order[:, -2:-1], order[:, -1:])
    return 1 - low < beta * (1 - others)


def _counts(tree: Tree, pool: Pool) -> Reals:
    """Labels of each class in each node: float64 [V, K]. One more class, never seen, is last.

    It is the one that speaks against a class that is alone so far.
    """
    labels = pool.labels[pool.taught]
    classes, ids = np.unique(labels, return_inverse=True)
    counts = np.zeros((tree.leaves, len(classes) + 1))
    np.add.at(counts, (tree.leaf[pool.taught], ids.ravel()), 1)
    return _totals(tree, counts)


def _totals(tree: Tree, leaves: Reals) -> Reals:
    """Sums over the leaves below each node: float64 [V, ...]."""
    out = np.concatenate([leaves, np.zeros((tree.leaves - 1, *leaves.shape[1:]))])
    for node, pair in enumerate(tree.children, start=tree.leaves):
        out[node] = out[pair].sum(axis=0)
    return out


def _node_of(tree: Tree, nodes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Which of the nodes of a cut each leaf is in: intp [L]."""
    of = np.full(2 * tree.leaves - 1, -1)
    of[nodes] = np.arange(len(nodes))
    for node in range(len(of) - 1, tree.leaves - 1, -1):
        if of[node] >= 0:
            of[tree.children[node - tree.leaves]] = of[node]
    return of[: tree.leaves]


def _draw(
    of: NDArray[np.intp],
    weights: Reals,
    free: NDArray[np.intp],
    n: int,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """`n` of the free items: each time a node that has one left, by weight, and any of them."""
    shuffled = rng.permutation(free)
    shuffled = shuffled[np.argsort(of[shuffled], kind="stable")]
    edges = np.searchsorted(of[shuffled], np.arange(len(weights) + 1))
    left = np.diff(edges)  # the last `left` of a node's items are still to come
    picks: list[NDArray[np.intp]] = []
    while n:
        odds = weights * (left > 0)
        nodes = rng.choice(len(weights), size=n, p=odds / odds.sum())
        before = rank_within(nodes)
        nodes, before = nodes[before < left[nodes]], before[before < left[nodes]]
        picks.append(shuffled[edges[nodes + 1] - left[nodes] + before])
        left -= np.bincount(nodes, minlength=len(left))
        n -= len(nodes)  # a node that ran out has its draws again
    return np.concatenate(picks)
