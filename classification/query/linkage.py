"""Agglomerative clustering of weighted points: the tree over a pool too large for one.

A tree over N points needs N x N distances. Over the centres of at most `LEAVES` k-means clusters it
needs some 100 MB, and with the number of points in each cluster as its weight the rule of the
linkage holds as it would for the points. A pool of no more than `LEAVES` items gets a tree over the
items.

Those clusters are looked for among the 64 leading principal directions: 100,000 x 512 take 15 s of
processor time instead of 50. The clusters' cost, in all directions, is then 0.2 to 2 % lower on
4,500 real images x 1,280, and 0.1 % higher on a mixture of 12,000 x 256.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification.query.clusters import UnitRows, kmeans, nearest_centre
from classification.query.distances import Floats, row_blocks, squared_distances

LEAVES = 2000
DIRECTIONS = 64
_PER_LEAF = 64  # rows for each leaf that the clusters are looked for in, as in `kmeans`
_FOR_DIRECTIONS = 10_000  # rows that the directions are those of


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A binary tree: leaves 0 to L - 1, then a node per merge, the root last.

    Attributes:
        leaf: intp [M], the leaf of each row.
        children: intp [L - 1, 2], of the nodes after the leaves.
        heights: float64 [L - 1], distance at each merge, ascending.
    """

    leaf: NDArray[np.intp]
    children: NDArray[np.intp]
    heights: NDArray[np.float64]

    @property
    def leaves(self) -> int:
        """L."""
        return len(self.children) + 1

    def cut(self, clusters: int) -> NDArray[np.intp]:
        """The cluster of each row, 0 to K - 1, after merging down to `clusters`: intp [M]."""
        parent = np.arange(2 * self.leaves - 1)
        merges = max(0, self.leaves - max(1, clusters))
        for node, pair in enumerate(self.children[:merges], start=self.leaves):
            parent[pair] = node
        for node in range(len(parent) - 1, -1, -1):  # a parent comes after its children
            parent[node] = parent[parent[node]]
        return np.unique(parent[self.leaf], return_inverse=True)[1].ravel()


def tree_of(rows: UnitRows, linkage: str, rng: np.random.Generator) -> Tree:
    """A tree over rows of unit length, or where more than `LEAVES` over k-means clusters of them.

    Costs then a k-means with `LEAVES` centres in `DIRECTIONS` dimensions, and one product (M x D)
    (D x `LEAVES`).

    Args:
        rows: M of them, 1 or more.
        linkage: ``average`` (mean distance between the points of two clusters) or ``ward`` (the
            growth in squared distance to the mean).
        rng: seeds the k-means.
    """
    if len(rows) <= LEAVES:
        centres, of = rows[np.arange(len(rows))], np.arange(len(rows))
    else:
        centres, of = _clusters(rows, rng)
    children, heights = agglomerate(centres, np.bincount(of).astype(np.float64), linkage)
    return Tree(leaf=of, children=children, heights=heights)


def _clusters(rows: UnitRows, rng: np.random.Generator) -> tuple[Floats, NDArray[np.intp]]:
    """Means of at most `LEAVES` clusters, float32 [L, D], and the nearest to each row, intp [M]."""
    size = min(len(rows), _PER_LEAF * LEAVES)
    drawn = rows[np.sort(rng.choice(len(rows), size, replace=False))]
    means = _means(drawn, kmeans(_leading(drawn, rng), LEAVES, rng).of)
    filled, of = np.unique(nearest_centre(rows, means)[0], return_inverse=True)
    return means[filled], of.ravel()


def _leading(rows: Floats, rng: np.random.Generator) -> Floats:
    """Coordinates of rows along their principal directions, those of most variance."""
    from scipy.linalg import eigh

    dims = rows.shape[1]
    if dims <= DIRECTIONS:
        return rows
    some = rows[rng.choice(len(rows), min(len(rows), _FOR_DIRECTIONS), replace=False)]
    some -= some.mean(axis=0)
    directions = eigh(some.T @ some, subset_by_index=[dims - DIRECTIONS, dims - 1])[1]
    return rows @ directions


def _means(rows: Floats, of: NDArray[np.intp]) -> Floats:
    """The mean of each cluster that has rows."""
    from scipy.sparse import csr_array

    ids, sizes = np.unique(of, return_inverse=True, return_counts=True)[1:]
    share = (1 / sizes).astype(np.float32)[ids.ravel()]
    return csr_array((share, (ids.ravel(), np.arange(len(rows))))) @ rows


def agglomerate(
    points: NDArray[np.float32], weights: NDArray[np.float64], linkage: str
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Merge the two nearest clusters until one is left, each point weighing so many.

    By chains of nearest neighbours (Murtagh 1983): L^2 time and float64 memory. Distances follow
    from those of the parts (Lance and Williams 1967).

    Args:
        points: float32 [L, D]; weights: float64 [L], above 0; linkage: ``average`` or ``ward``.

    Returns:
        Children intp [L - 1, 2] and heights float64 [L - 1], as in `Tree`.
    """
    apart, weights = _first_distances(points, weights, linkage), weights.copy()
    merges, chain = [], []
    alive = np.ones(len(points), dtype=bool)
    while len(merges) < len(points) - 1:
        if not chain:
            chain.append(int(alive.argmax()))
        last = chain[-1]
        near = int(apart[last].argmin())
        if len(chain) > 1 and apart[last, chain[-2]] <= apart[last, near]:
            near = chain[-2]  # of equals the one before, or the chain would never end
            del chain[-2:]
            merges.append((last, near, apart[last, near]))
            _merge(apart, weights, alive, last, near, linkage)
        else:
            chain.append(near)
    return _in_order(merges, len(points), root=linkage == "ward")


def _first_distances(
    points: NDArray[np.float32], weights: NDArray[np.float64], linkage: str
) -> NDArray[np.float64]:
    """Distances of single points, for ward squared and weighted; infinite to themselves."""
    out = np.empty((len(points), len(points)))
    for rows in row_blocks(len(points)):
        out[rows] = squared_distances(points[rows], points)
    out = (out + out.T) / 2
    if linkage == "ward":
        out *= 2 * weights[:, None] * weights / (weights[:, None] + weights)
    else:
        np.sqrt(out, out=out)
    np.fill_diagonal(out, np.inf)
    return out


def _merge(
    apart: NDArray[np.float64],
    weights: NDArray[np.float64],
    alive: NDArray[np.bool_],
    i: int,
    j: int,
    linkage: str,
) -> None:
    """Cluster `i` takes in cluster `j`."""
    a, b, others = weights[i], weights[j], weights
    if linkage == "ward":
        row = (a + others) * apart[i] + (b + others) * apart[j] - others * apart[i, j]
        row /= a + b + others
    else:
        row = (a * apart[i] + b * apart[j]) / (a + b)
    alive[j] = False
    row[~alive] = row[i] = np.inf
    apart[i], apart[:, i] = row, row
    apart[j], apart[:, j] = np.inf, np.inf
    weights[i] = a + b


def _in_order(
    merges: list[tuple[int, int, float]], leaves: int, *, root: bool
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Merges by ascending height, each naming the nodes that it joins."""
    heights = np.array([height for _, _, height in merges], dtype=np.float64)
    heights = np.sqrt(np.maximum(heights, 0)) if root else heights
    parent, children = np.arange(2 * leaves - 1), []
    order = np.argsort(heights, kind="stable")
    for node, at in enumerate(order, start=leaves):
        pair = []
        for leaf in merges[at][:2]:
            while parent[leaf] != leaf:
                parent[leaf] = parent[parent[leaf]]
                leaf = parent[leaf]
            pair.append(int(leaf))
        parent[pair] = node
        children.append(pair)
    return np.array(children, dtype=np.intp).reshape(-1, 2), heights[order]
