"""The nearest of every row so far, updated block by block at less than the cost of the product.

A block of products is compared with each row's worst kept value in one pass; after the first few
blocks some ten values in ten thousand pass, and only those are looked at again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Hits:
    """What may belong among the nearest of some rows: one entry per value, rows ascending.

    Attributes:
        row, column: intp [n]; value: float32 [n], higher is nearer.
    """

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    value: NDArray[np.float32]


class Nearest:
    """The `keep` highest values of every row and where they came from.

    Attributes:
        values: float32 [N, keep], in no order; -inf where nothing came yet.
        columns: int32 [N, keep]; -1 where nothing came yet.
        worst: float32 [N], the lowest kept value; what lies below was turned away.
    """

    def __init__(self, n: int, keep: int) -> None:
        self.values = np.full((n, keep), -np.inf, dtype=np.float32)
        self.columns = np.full((n, keep), -1, dtype=np.int32)
        self.worst = np.full(n, -np.inf, dtype=np.float32)

    def bar(
        self, products: NDArray[np.float32], rows: NDArray[np.intp] | slice
    ) -> NDArray[np.float32]:
        """What a value of `products` [n, m] must exceed: float32 [n]; -inf admits all."""
        bar = self.worst[rows]  # may rise meanwhile in another thread; then more pass, none is lost
        keep, width = self.values.shape[1], products.shape[1]
        new = np.flatnonzero(np.isneginf(bar))
        if len(new) and width > keep:
            bar = bar.copy()
            last = np.partition(products[new], width - keep, axis=1)[:, width - keep]
            bar[new] = np.nextafter(last, np.float32(-np.inf))
        return bar

    def add(self, rows: NDArray[np.intp] | slice, hits: Hits) -> None:
        """Take in hits whose `row` counts within `rows`. One thread at a time."""
        if not len(hits.row):
            return
        count = np.bincount(hits.row)
        some = np.flatnonzero(count)
        count = count[some]
        place = np.repeat(np.arange(len(some)), count)
        within = np.arange(len(hits.row)) - np.repeat(np.cumsum(count) - count, count)
        where = some + (rows.start or 0) if isinstance(rows, slice) else rows[some]
        keep, width = self.values.shape[1], int(count.max())
        values = np.full((len(some), keep + width), -np.inf, dtype=np.float32)
        columns = np.full(values.shape, -1, dtype=np.int32)
        values[:, :keep], columns[:, :keep] = self.values[where], self.columns[where]
        values[place, keep + within] = hits.value
        columns[place, keep + within] = hits.column
        best = np.argpartition(values, width, axis=1)[:, width:]
        values = np.take_along_axis(values, best, axis=1)
        self.values[where] = values
        self.columns[where] = np.take_along_axis(columns, best, axis=1)
        self.worst[where] = values.min(axis=1)


def row_hits(
    products: NDArray[np.float32], bar: NDArray[np.float32], mask: NDArray[np.bool_]
) -> Hits:
    """Where products [n, m] exceed their row's bar [n]. mask: room for [n, m]."""
    found = np.flatnonzero(np.greater(products, bar[:, None], out=mask))
    row, column = np.divmod(found, products.shape[1])
    return Hits(row=row, column=column, value=products.ravel()[found])


def column_hits(
    products: NDArray[np.float32], bar: NDArray[np.float32], mask: NDArray[np.bool_]
) -> Hits:
    """The same for the transpose: where products [n, m] exceed their column's bar [m]."""
    found = np.flatnonzero(np.greater(products, bar, out=mask))
    column, row = np.divmod(found, products.shape[1])
    order = np.argsort(row, kind="stable")
    return Hits(row=row[order], column=column[order], value=products.ravel()[found[order]])
