"""Graph density: items in the middle of many alike, one per neighbourhood.

Ebert, Fritz and Schiele 2012, "RALF", as in google/active-learning (2019): the mean weight of an
item's edges in a symmetric nearest-neighbour graph, with the density of a pick taken off that of
its neighbours.
"""

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.neighbours import knn_graph
from classification.query.distances import unit_rows
from classification.query.needs import need_embeddings
from classification.query.pool import Pool

_SAMPLE = 50_000  # unlabelled items in the graph: 20 s of two cores at D = 256


def graph_density(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    neighbours: int = 10,
    sample: int = _SAMPLE,
) -> NDArray[np.intp]:
    """The densest item, again and again, with its neighbours discounted. Needs no model.

    Labelled items discount theirs first, densest first. Edges weigh exp(-d^2 / 2 s^2), d the
    Euclidean distance of embeddings of length one (the paper has the Manhattan distance, which
    is no matrix product) and s^2 its mean square over the graph. A pick whose own density is below
    0 by then discounts nothing, where the paper's formula would raise its neighbours.

    Cost: the graph, M^2 D for M items in it. Memory: two copies of their embeddings, 256 MB.

    Args:
        pool, n, rng: as of every strategy.
        neighbours: of each item in the graph, 1 or more.
        sample: at most this many unlabelled items, drawn at random, are in the graph and may be
            picked (at least 4n).
    """
    if neighbours < 1 or sample < 1:
        raise FieldmarkError(f"neighbours is {neighbours} and sample {sample}; give 1 or more")
    x, free = need_embeddings(pool), pool.unlabelled
    drawn = rng.permutation(free)[: max(sample, 4 * n)]
    rows = rng.permutation(np.concatenate([drawn, np.flatnonzero(pool.labelled)]))  # settles ties
    density, starts, ends = _density(unit_rows(x[rows]), neighbours)
    labelled = pool.labelled[rows]
    _take(density, starts, ends, labelled, int(labelled.sum()))
    return rows[_take(density, starts, ends, ~labelled, n)]


def _density(
    points: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
    """Density of each point, float64 [M]; of neighbours ``ends[starts[i] : starts[i + 1]]``.

    The neighbours are symmetric: each point's own, and those that have it for one.
    """
    from scipy.sparse import csr_array

    graph, m = knn_graph(points, k, recall=1), len(points)
    squared = graph.distance.astype(np.float64) ** 2
    scale = squared.mean() if squared.size else 0.0
    weight = np.exp(-squared / (2 * scale)) if scale else np.ones_like(squared)
    start = np.arange(m + 1) * graph.index.shape[1]
    # Sums of stored entries: an edge of weight 0, far away, still counts as one.
    edges = csr_array((np.ones(weight.size), graph.index.ravel(), start), shape=(m, m))
    weights = csr_array((weight.ravel(), graph.index.ravel(), start), shape=(m, m))
    both = edges + edges.T  # 2 where each is a neighbour of the other
    total = (weights + weights.T).multiply(both.power(-1.0)).sum(axis=1)
    degree = np.diff(both.indptr)
    return total / np.maximum(degree, 1), both.indptr, both.indices


def _take(
    density: NDArray[np.float64],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
    allowed: NDArray[np.bool_],
    n: int,
) -> NDArray[np.intp]:
    """The `n` densest of the allowed one after the other; lowers `density` around them."""
    open_ = np.where(allowed, 0.0, -np.inf)
    picks = np.empty(n, dtype=np.intp)
    for i in range(n):
        picks[i] = pick = int((density + open_).argmax())
        open_[pick] = -np.inf
        density[ends[starts[pick] : starts[pick + 1]]] -= max(density[pick], 0)
    return picks
