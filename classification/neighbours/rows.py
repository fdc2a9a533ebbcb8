"""Points made ready for one product per block: checked, centred or of unit length, lifted."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError

Metric = Literal["euclidean", "cosine"]

_BLOCK = 1 << 18  # values at a time: 1 MB of float32, which stays in the cache
_LARGEST, _SMALLEST = 1e15, 1e-15  # squares of these still have float32's full precision


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Points in two forms: to measure a distance by, and to bound many distances by.

    Attributes:
        points: float32 [N, D]: as given, or of unit length under "cosine".
        lifted: float32 [N, D + 2]: centred points x, then 1, then -|x|^2 / 2. The product with
            another row whose last two are swapped is minus half the squared distance.
        norms: float64 [N], of the centred points; how far rounding can lead the product astray.
        centre: float32 [D], what was subtracted.
    """

    points: NDArray[np.float32]
    lifted: NDArray[np.float32]
    norms: NDArray[np.float64]
    centre: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.points)

    def left(self, rows: slice | NDArray[np.intp]) -> NDArray[np.float32]:
        """Left factor of a product with `lifted`: float32 [n, D + 2]."""
        out = self.lifted[rows].copy() if isinstance(rows, slice) else self.lifted[rows]
        out[:, [-2, -1]] = out[:, [-1, -2]]
        return out

    def take(self, order: NDArray[np.intp]) -> "Rows":
        """The same points in another order, or some of them."""
        return Rows(
            points=self.points[order],
            lifted=self.lifted[order],
            norms=self.norms[order],
            centre=self.centre,
        )


def check_points(points: NDArray[np.floating], *, name: str = "points") -> NDArray[np.float32]:
    """As float32 [N, D] in one piece, without a copy where it is that already.

    Raises:
        FieldmarkError: not a table of numbers, NaN or infinity (rows named), or a scale at which
            float32 loses digits.
    """
    array = np.ascontiguousarray(points, dtype=np.float32)
    if array.ndim != 2 or not array.shape[1]:
        raise FieldmarkError(f"{name}: shape [N, D] wanted, {list(array.shape)} given")
    squares = squared_lengths(array)
    rows = np.flatnonzero(~np.isfinite(squares))
    if len(rows):
        shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
        raise FieldmarkError(f"{name}: {len(rows)} rows hold NaN or infinity: {shown}")
    largest = float(np.sqrt(squares.max(initial=0)))
    if largest and not _SMALLEST < largest < _LARGEST:
        raise FieldmarkError(
            f"{name}: the longest row has length {largest:.1g}; scale them to about 1 "
            f"({_SMALLEST:g} to {_LARGEST:g} is allowed)"
        )
    return array


def directions(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of unit length, float32 [N, D] or [N, D + 1].

    A zero row has no direction. It gets one of its own, in a further column: then it is like other
    zero rows and at cosine distance 1 from all else.
    """
    squares = squared_lengths(points)
    zero = squares == 0
    out = points / np.sqrt(np.where(zero, 1, squares)).astype(np.float32)[:, None]
    return np.hstack([out, zero[:, None].astype(np.float32)]) if zero.any() else out


def make_rows(points: NDArray[np.float32], *, centre: NDArray[np.float32] | None = None) -> Rows:
    """Lift checked points, about their mean or the centre given."""
    n, d = points.shape
    middle = points.mean(axis=0, dtype=np.float64) if centre is None else centre
    middle = np.asarray(middle, dtype=np.float32)
    lifted = np.empty((n, d + 2), dtype=np.float32)
    np.subtract(points, middle, out=lifted[:, :d])
    squares = squared_lengths(lifted[:, :d])
    lifted[:, d] = 1
    lifted[:, d + 1] = -squares / 2
    return Rows(points=points, lifted=lifted, norms=np.sqrt(squares), centre=middle)


def squared_lengths(array: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of every row: float64 [N]."""
    parts = [np.einsum("ij,ij->i", b, b, dtype=np.float64) for b in blocks(array)]
    return np.concatenate([np.empty(0), *parts])


def blocks(array: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Views of consecutive rows, 1 MB each."""
    step = max(1, _BLOCK // max(1, array.shape[1]))
    return [array[start : start + step] for start in range(0, len(array), step)]
