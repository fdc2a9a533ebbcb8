"""The k-nearest-neighbour graph of a set of points, and neighbours of other points in it."""

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.neighbours.cells import search_cells
from classification.neighbours.duplicates import find_copies, share_out
from classification.neighbours.nearest import Nearest
from classification.neighbours.rows import Metric, Rows, check_points, directions, make_rows
from classification.neighbours.search import all_pairs, rectangle, search, tile_side
from classification.neighbours.settle import SLACK, Found, measure, search_again, unproven

EXACT_UP_TO = 200_000  # rows; at D = 256 some 50 s of two cores, and growing with the square
_MEMORY = 1 << 28


@dataclass(frozen=True, kw_only=True)
class NeighbourGraph:
    """The nearest neighbours of every point, itself left out.

    Attributes:
        index: intp [N, K], nearest first; equal distances by position.
        distance: float32 [N, K]: euclidean, or 1 - cosine.
        metric: of the distances.
        recall: share of the true neighbours found: 1 when exact, otherwise measured on a sample.
    """

    index: NDArray[np.intp]
    distance: NDArray[np.float32]
    metric: Metric
    recall: float

    def __len__(self) -> int:
        return len(self.index)


def knn_graph(
    points: NDArray[np.floating],
    k: int,
    *,
    metric: Metric = "euclidean",
    recall: float | None = None,
    memory: int = _MEMORY,
) -> NeighbourGraph:
    """Find the k nearest neighbours of every point. Deterministic; uses all cores.

    Memory beyond the input: one copy of the points (two under "cosine"), about 20 (k + 6) bytes a
    point, and `memory` for blocks. The same neighbours come out whatever `memory` is.

    Args:
        points: [N, D], copied to float32 where they are not. A zero row is at cosine distance 1
            from all but other zero rows.
        k: neighbours of each; N - 1 where that is less.
        metric: "euclidean" or "cosine".
        recall: 1 for the exact graph; below 1 the share of true neighbours that a search by cells
            should find. None: exact up to 200,000 points, 0.95 beyond.
        memory: bytes that blocks of products may take.

    Raises:
        FieldmarkError: unknown metric, k or recall out of range, NaN or infinity in the points.
    """
    rows = _checked(points, k, metric)
    if recall is None:
        recall = 1.0 if len(rows) <= EXACT_UP_TO else 0.95
    if not 0 < recall <= 1:
        raise FieldmarkError(f"recall {recall} given; allowed: above 0, up to 1 (exact)")
    k = max(0, min(k, len(rows) - 1))
    copies = find_copies(rows)
    distinct = make_rows(rows[copies.first] if copies else rows)
    fewer = min(k, len(distinct) - 1)
    found, recall = _search(distinct, fewer, recall=recall, memory=memory)
    if copies:
        found = share_out(found, copies, k, memory=memory)
    return NeighbourGraph(
        index=found[0], distance=_distance(found[1], metric), metric=metric, recall=recall
    )


def neighbours_of(
    queries: NDArray[np.floating],
    points: NDArray[np.floating],
    k: int,
    *,
    metric: Metric = "euclidean",
    memory: int = _MEMORY,
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The exact k nearest points of every query.

    Args:
        queries: [Q, D].
        points: [N, D]; a query that is among them finds itself.
        k: neighbours of each; N where that is less.
        metric: "euclidean" or "cosine".
        memory: bytes that blocks of products may take.

    Returns:
        Positions intp [Q, k], nearest first and equal distances by position, and distances
        float32 [Q, k].

    Raises:
        FieldmarkError: as `knn_graph`, or queries and points of different width.
    """
    x = check_points(queries, name="queries")
    y = check_points(points)
    if x.shape[1] != y.shape[1]:
        raise FieldmarkError(f"queries have {x.shape[1]} columns, points have {y.shape[1]}")
    _check(k, metric)
    if metric == "cosine":
        both = directions(np.concatenate([x, y]))  # zero rows of either add a column to both
        x, y = both[: len(x)], both[len(x) :]
    k = min(k, len(y))
    if not k or not len(x):
        return np.empty((len(x), k), dtype=np.intp), np.empty((len(x), k), dtype=np.float32)
    rows = make_rows(y)
    asked = make_rows(x, centre=rows.centre)
    nearest, side = Nearest(len(x), min(k + SLACK, len(y))), tile_side(memory)
    search(nearest, asked, rows, rectangle(len(x), len(y), side), side=side)
    index, squared = _settle(nearest, asked, rows, k, memory=memory)
    return index, _distance(squared, metric)


def _search(rows: Rows, k: int, *, recall: float, memory: int) -> tuple[Found, float]:
    """Neighbours among distinct points, and the recall."""
    if not k:
        return (np.empty((len(rows), 0), np.intp), np.empty((len(rows), 0), np.float32)), 1.0
    keep = min(k + SLACK, len(rows) - 1)
    cells = search_cells(rows, k, keep=keep, recall=recall, memory=memory) if recall < 1 else None
    if cells is None:
        nearest, side = Nearest(len(rows), keep), tile_side(memory)
        search(nearest, rows, rows, all_pairs(len(rows), side), side=side)
        return _settle(nearest, rows, rows, k, memory=memory), 1.0
    nearest, ordered, order, reached = cells
    index, squared = measure(nearest, ordered, ordered, k)
    back = np.empty_like(index), np.empty_like(squared)
    back[0][order], back[1][order] = order[index], squared
    return back, reached


def _settle(nearest: Nearest, queries: Rows, points: Rows, k: int, *, memory: int) -> Found:
    index, squared = measure(nearest, queries, points, k)
    if nearest.values.shape[1] < len(points) - (queries is points):
        again = unproven(nearest, queries, squared)
        if len(again):
            found = search_again(again, queries, points, k, memory=memory)
            index[again], squared[again] = found
    return index, squared


def _checked(points: NDArray[np.floating], k: int, metric: Metric) -> NDArray[np.float32]:
    _check(k, metric)
    rows = check_points(points)
    return directions(rows) if metric == "cosine" else rows


def _check(k: int, metric: str) -> None:
    if metric not in get_args(Metric):
        raise FieldmarkError(f"unknown metric {metric!r}; allowed: {', '.join(get_args(Metric))}")
    if k < 1:
        raise FieldmarkError(f"{k} neighbours asked for; ask for 1 or more")


def _distance(squared: NDArray[np.float32], metric: Metric) -> NDArray[np.float32]:
    """Between unit vectors, 1 - cosine is half the squared distance."""
    return np.asarray(squared / 2 if metric == "cosine" else np.sqrt(squared), dtype=np.float32)
