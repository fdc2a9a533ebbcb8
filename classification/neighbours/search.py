"""Blocks of products on all cores, each filtered while it is still in the cache."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from classification.neighbours import products
from classification.neighbours.nearest import Hits, Nearest, column_hits, row_hits
from classification.neighbours.rows import Rows
from classification.threads import cores, on_all_cores

_SIDE = 3072  # products of 768 x 3,072 run at full speed and stay in a shared cache
_BYTES = 6  # per value of a square tile: products, a copy, mask and merge of a quarter of it


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One block of work: some rows against consecutive columns.

    Attributes:
        rows: positions of queries.
        columns: positions of points.
        both: the product also serves as neighbours of `columns` among `rows`.
    """

    rows: slice | NDArray[np.intp]
    columns: slice
    both: bool = False


def tile_side(memory: int) -> int:
    """Side of a tile such that all cores together stay within `memory` bytes."""
    return min(_SIDE, max(64, isqrt(memory // (_BYTES * cores()))))


def all_pairs(n: int, side: int) -> Iterator[Tile]:
    """Every point against every other, each product once."""
    for start in range(0, n, side):
        row_stop = min(start + side, n)
        for column in range(start, n, side):
            for row in range(start, row_stop, side // 4):
                yield Tile(
                    rows=slice(row, min(row + side // 4, row_stop)),
                    columns=slice(column, min(column + side, n)),
                    both=column > start,
                )


def rectangle(n: int, m: int, side: int) -> Iterator[Tile]:
    """Every one of n queries against every one of m points."""
    for column in range(0, m, side):
        for row in range(0, n, side // 4):
            yield Tile(
                rows=slice(row, min(row + side // 4, n)),
                columns=slice(column, min(column + side, m)),
            )


def search(
    nearest: Nearest, queries: Rows, points: Rows, tiles: Iterable[Tile], *, side: int
) -> None:
    """Bring `nearest` up to date with all tiles.

    Args:
        nearest: of the queries, changed in place.
        queries, points: the same object where points are not to find themselves.
        tiles: none larger than side / 4 x side.
        side: of a tile.
    """
    lock, local = threading.Lock(), threading.local()
    products.prepare(len(queries) * len(points) * points.lifted.shape[1])

    def work(tile: Tile) -> None:
        if not hasattr(local, "room"):
            local.room = _Room(side * (side // 4), points.lifted.shape[1])
        found = _filter(nearest, queries, points, tile, local.room)
        with lock:
            for rows, hits in found:
                nearest.add(rows, hits)

    # One product per core beats one product on all cores: the filter is not threaded.
    on_all_cores(work, tiles, initializer=products.start_worker)


class _Room:
    """Memory that one thread uses again for every tile, and its way to multiply."""

    def __init__(self, size: int, dims: int) -> None:
        self.values = np.empty(size, dtype=np.float32)
        self.mask = np.empty(size, dtype=np.bool_)
        self.multiply = products.choose(dims)


def _filter(
    nearest: Nearest, queries: Rows, points: Rows, tile: Tile, room: _Room
) -> list[tuple[slice | NDArray[np.intp], Hits]]:
    left, right = queries.left(tile.rows), points.lifted[tile.columns]
    shape = (len(left), len(right))
    size = shape[0] * shape[1]
    values = room.multiply(left, right, room.values[:size].reshape(shape))
    mask = room.mask[:size].reshape(shape)
    if queries is points and not tile.both:
        _forget_self(values, tile)
    start = tile.columns.start
    hits = row_hits(values, nearest.bar(values, tile.rows), mask)
    found = [(tile.rows, _moved(hits, start))]
    if tile.both:
        hits = column_hits(values, nearest.bar(values.T, tile.columns), mask)
        found.append((tile.columns, _moved(hits, _first(tile.rows))))
    return found


def _forget_self(values: NDArray[np.float32], tile: Tile) -> None:
    rows = tile.rows
    index = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    own = np.flatnonzero((index >= tile.columns.start) & (index < tile.columns.stop))
    values[own, index[own] - tile.columns.start] = -np.inf


def _first(rows: slice | NDArray[np.intp]) -> int:
    return rows.start if isinstance(rows, slice) else 0


def _moved(hits: Hits, by: int) -> Hits:
    return Hits(row=hits.row, column=hits.column + by, value=hits.value)
