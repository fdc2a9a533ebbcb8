"""From candidates to neighbours: true distances, ties by position, and proof that none was missed.

Products in float32 rank candidates only within their rounding error. So a few more than asked for
are kept, measured by differences and sorted; a row whose last neighbour is not farther inside than
that error can account for is searched again in float64.
"""

import numpy as np
from numpy.typing import NDArray

from classification.neighbours.nearest import Nearest
from classification.neighbours.rows import Rows

SLACK = 6  # kept beyond k; then the float64 search is for ties, not for rounding
_UNIT = 2.0**-24  # rounding of float32
_BLOCK = 1 << 18  # values: 1 MB, so that differences are squared while still in the cache

Found = tuple[NDArray[np.intp], NDArray[np.float32]]
"""Positions [n, k], nearest first, and squared distances [n, k]."""


def measure(nearest: Nearest, queries: Rows, points: Rows, k: int) -> Found:
    """The k nearest of the candidates by true distance; equal distances by position.

    Returns:
        Positions, -1 and infinitely far where there were fewer candidates, and squared distances.
    """
    n, keep = nearest.columns.shape
    index = np.empty((n, k), dtype=np.intp)
    squared = np.empty((n, k), dtype=np.float32)
    step = max(1, _BLOCK // (keep * points.points.shape[1]))
    for start in range(0, n, step):
        rows = slice(start, start + step)
        columns = nearest.columns[rows]
        difference = points.points[columns]
        difference -= queries.points[rows][:, None, :]
        distance = np.einsum("nkd,nkd->nk", difference, difference)
        distance[columns < 0] = np.inf
        order = np.lexsort((columns, distance), axis=1)[:, :k]
        index[rows] = np.take_along_axis(columns, order, axis=1)
        squared[rows] = np.take_along_axis(distance, order, axis=1)
    return index, squared


def unproven(nearest: Nearest, queries: Rows, squared: NDArray[np.float32]) -> NDArray[np.intp]:
    """Rows where a point that was turned away may be as near as the k-th found: intp [m].

    A product of float32 vectors of length D is off by at most D u |x||y| (Higham 2002, Accuracy
    and Stability of Numerical Algorithms, 3.5); a point that matters is at most |x| + d long.
    """
    last = np.sqrt(squared[:, -1].astype(np.float64))
    dims = queries.lifted.shape[1] + 8  # and the roundings of centring, lifting and measuring
    error = dims * _UNIT * (2 * queries.norms + last) ** 2
    turned_away = nearest.worst.astype(np.float64)  # -inf: nothing was
    return np.flatnonzero(~(-(last**2) / 2 > turned_away + error) & ~np.isneginf(turned_away))


def search_again(
    rows: NDArray[np.intp], queries: Rows, points: Rows, k: int, *, memory: int
) -> Found:
    """The k nearest of some rows in float64, ties by position."""
    step = max(1, memory // (24 * len(points)))
    parts = [
        _search_float64(rows[i : i + step], queries, points, k) for i in range(0, len(rows), step)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _search_float64(rows: NDArray[np.intp], queries: Rows, points: Rows, k: int) -> Found:
    near = _squared_distances(queries.points[rows], points)
    if queries is points:
        near[np.arange(len(rows)), rows] = np.inf
    length = np.sqrt(near[np.isfinite(near)].max(initial=0)) + queries.norms[rows]
    bar = np.partition(near, k - 1, axis=1)[:, k - 1] + 1e-12 * length**2
    index = np.empty((len(rows), k), dtype=np.intp)
    squared = np.empty((len(rows), k), dtype=np.float32)
    for i, row in enumerate(rows):
        some = np.flatnonzero(near[i] <= bar[i])
        difference = points.points[some].astype(np.float64) - queries.points[row]
        exact = np.einsum("ij,ij->i", difference, difference)
        order = np.argsort(exact, kind="stable")[:k]
        index[i], squared[i] = some[order], exact[order]
    return index, squared


def _squared_distances(x: NDArray[np.float32], points: Rows) -> NDArray[np.float64]:
    centred = x.astype(np.float64) - points.centre
    own = np.einsum("ij,ij->i", centred, centred)
    out = np.empty((len(x), len(points)))
    step = max(1, out.size // max(1, points.points.shape[1]))
    for start in range(0, len(points), step):
        block = points.points[start : start + step].astype(np.float64) - points.centre
        squares = np.einsum("ij,ij->i", block, block)
        out[:, start : start + step] = own[:, None] + squares - 2 * centred @ block.T
    return out
