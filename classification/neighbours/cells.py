"""Neighbours by cells: each point looks only into the cells nearest to it.

The inverted file of Jegou et al. 2011, "Product Quantization for Nearest Neighbor Search", without
the quantisation: k-means cells, and as many of them looked into as the recall asked for needs. How
many that is gets measured on exact neighbours of a sample, before the search.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from classification.neighbours.nearest import Nearest
from classification.neighbours.rows import Rows
from classification.neighbours.search import Tile, rectangle, search, tile_side
from classification.neighbours.settle import measure

_ROUNDS = 8  # of Lloyd's algorithm: more did not raise recall
_PER_CELL = 64  # points of the sample per cell
_SAMPLE = 1000  # points whose exact neighbours set the number of cells to look into


def search_cells(
    rows: Rows, k: int, *, keep: int, recall: float, memory: int
) -> tuple[Nearest, Rows, NDArray[np.intp], float] | None:
    """Candidates of every point.

    Args:
        rows: the points.
        k: neighbours that recall is measured on.
        keep: candidates to keep of each point.
        recall: share of true neighbours wanted.
        memory: bytes for the blocks.

    Returns:
        Candidates, the points in the order they refer to, that order (positions in `rows`), and
        the recall on the sample; None where an exact search would be no dearer.
    """
    centres = _centres(rows, cell_count(len(rows)))
    cell = np.concatenate([c[:, 0] for _, c in _nearest_cells(rows, centres, 1, memory)])
    probes, reached = _probes(rows, centres, cell, k, recall=recall, memory=memory)
    if probes > len(centres) // 4:
        return None
    order = np.argsort(cell, kind="stable")
    rows, cell = rows.take(order), cell[order]
    edges = np.searchsorted(cell, np.arange(len(centres) + 1))
    nearest, side = Nearest(len(rows), keep), tile_side(memory)
    for start, cells in _nearest_cells(rows, centres, probes, memory):
        search(nearest, rows, rows, _tiles(start, cells, edges, side), side=side)
    few = np.flatnonzero((nearest.columns >= 0).sum(axis=1) < k)  # in cells of a handful of points
    if len(few):
        nearest.columns[few, :k] = _exact(rows, few, k, memory=memory)
    return nearest, rows, order, reached


def cell_count(n: int) -> int:
    """About the square root of n: looking for cells then costs as much as looking into one."""
    return max(1, 2 ** round(np.log2(n) / 2))


def _centres(rows: Rows, count: int) -> Rows:
    """k-means centres of evenly spaced rows, from evenly spaced ones; no random choice."""
    sample = rows.take(np.linspace(0, len(rows) - 1, count * _PER_CELL).astype(np.intp))
    centres = sample.take(np.linspace(0, len(sample) - 1, count).astype(np.intp))
    x = sample.lifted[:, :-2]
    for _ in range(_ROUNDS):
        own = np.concatenate([c[:, 0] for _, c in _nearest_cells(sample, centres, 1, 1 << 28)])
        order = np.argsort(own, kind="stable")
        size = np.bincount(own, minlength=count)
        some = np.flatnonzero(size)
        sums = np.add.reduceat(x[order], (np.cumsum(size) - size)[some], axis=0)
        lifted = centres.lifted  # an empty cell stays where it was
        lifted[some, :-2] = sums / size[some, None]
        lifted[:, -1] = -np.einsum("ij,ij->i", lifted[:, :-2], lifted[:, :-2]) / 2
    return centres


def _nearest_cells(
    rows: Rows, centres: Rows, count: int, memory: int
) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Blocks of rows, with the cells nearest to each: (first row, intp [n, count])."""
    step = max(1, memory // (16 * len(centres)))
    for start in range(0, len(rows), step):
        products = rows.left(slice(start, start + step)) @ centres.lifted.T
        if count == 1:
            yield start, products.argmax(axis=1)[:, None]
        else:
            split = len(centres) - count
            yield start, np.argpartition(products, split, axis=1)[:, split:]


def _probes(
    rows: Rows,
    centres: Rows,
    cell: NDArray[np.intp],
    k: int,
    *,
    recall: float,
    memory: int,
) -> tuple[int, float]:
    """How many cells a point must look into for the recall, and the recall this gives."""
    sample = np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows))).astype(np.intp)
    found = _exact(rows, np.unique(sample), k, memory=memory)
    products = rows.left(np.unique(sample)) @ centres.lifted.T
    home = np.take_along_axis(products, cell[found], axis=1)
    rank = np.sort((products[:, None, :] > home[:, :, None]).sum(axis=2), axis=None)
    needed = rank[min(len(rank) - 1, int(np.ceil(recall * len(rank))) - 1)]
    return int(needed) + 1, float((rank <= needed).mean())


def _exact(rows: Rows, sample: NDArray[np.intp], k: int, *, memory: int) -> NDArray[np.intp]:
    queries, side = rows.take(sample), tile_side(memory)
    nearest = Nearest(len(sample), k + 1)
    search(nearest, queries, rows, rectangle(len(sample), len(rows), side), side=side)
    index, _ = measure(nearest, queries, rows, k + 1)
    others = index != sample[:, None]
    others[others.all(axis=1), -1] = False  # a copy pushed the point itself out
    return index[others].reshape(len(sample), k)


def _tiles(
    start: int, cells: NDArray[np.intp], edges: NDArray[np.intp], side: int
) -> Iterator[Tile]:
    """For every cell, the rows that look into it against its points."""
    order = np.argsort(cells, axis=None, kind="stable")
    row = start + order // cells.shape[1]
    ends = np.searchsorted(cells.ravel()[order], np.arange(len(edges)))
    for cell in np.flatnonzero(np.diff(ends)):
        for first in range(ends[cell], ends[cell + 1], side // 4):
            rows = row[first : min(first + side // 4, ends[cell + 1])]
            for column in range(edges[cell], edges[cell + 1], side):
                yield Tile(rows=rows, columns=slice(column, min(column + side, edges[cell + 1])))
