"""Equal rows are searched once: a thousand copies of a frame would fill every list."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification.neighbours.rows import blocks
from classification.neighbours.settle import Found


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Which rows are equal, bit for bit.

    Attributes:
        first: intp [U], the first row of each group of equal rows, ascending.
        group: intp [N], group of each row.
    """

    first: NDArray[np.intp]
    group: NDArray[np.intp]

    def __bool__(self) -> bool:
        return len(self.first) < len(self.group)


def find_copies(points: NDArray[np.float32]) -> Copies:
    """Group equal rows of float32 [N, D], in one piece."""
    _, group, count = np.unique(_hashes(points), return_inverse=True, return_counts=True)
    suspects = np.flatnonzero(count[group] > 1)  # only rows of equal hash need a look
    leader = np.arange(len(points))
    if len(suspects):
        whole = points[suspects].view(f"V{4 * points.shape[1]}").ravel()
        order = np.argsort(whole, kind="stable")
        new = np.ones(len(order), dtype=bool)
        new[1:] = whole[order[1:]] != whole[order[:-1]]
        leader[suspects[order]] = suspects[order[new]][np.cumsum(new) - 1]
    first, group = np.unique(leader, return_inverse=True)
    return Copies(first=first, group=group)


def _hashes(points: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A sum of the bits of each row, each column times its own odd number, modulo 2^64."""
    odd = np.random.default_rng(0).integers(2**63, size=points.shape[1], dtype=np.uint64)
    odd = odd * np.uint64(2) + np.uint64(1)
    return np.concatenate([b.view(np.uint32).astype(np.uint64) @ odd for b in blocks(points)])


def share_out(found: Found, copies: Copies, k: int, *, memory: int) -> Found:
    """Neighbours of all rows from those of the groups.

    Args:
        found: neighbours among groups, at least min(k, U - 1) of each.
        copies: the groups.
        k: neighbours wanted, at most N - 1.
        memory: bytes of a block.
    """
    size = np.bincount(copies.group)
    start = np.cumsum(size) - size
    member = np.argsort(copies.group, kind="stable")
    width = min(int(size.max()), k + 1)
    n, groups = len(copies.group), found[0].shape[1] + 1
    index = np.empty((n, k), dtype=np.intp)
    squared = np.empty((n, k), dtype=np.float32)
    step = max(1, memory // (32 * groups * width))
    for begin in range(0, n, step):
        rows = np.arange(begin, min(begin + step, n))
        own = copies.group[rows]
        group = np.column_stack([own, found[0][own]])[:, :, None]
        distance = np.column_stack([np.zeros(len(own), np.float32), found[1][own]])[:, :, None]
        place = np.arange(width)
        items = member[np.minimum(start[group] + place, n - 1)]
        there = (place < size[group]) & (items != rows[:, None, None])
        distance = np.where(there, distance, np.float32(np.inf)).reshape(len(rows), -1)
        items = items.reshape(len(rows), -1)
        order = np.lexsort((items, distance), axis=1)[:, :k]
        index[rows] = np.take_along_axis(items, order, axis=1)
        squared[rows] = np.take_along_axis(distance, order, axis=1)
    return index, squared
