"""Capsules into pixels: the nearest surface, and what a coat needs to know about it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from classification.data.sample.anatomy import Coat
from classification.data.sample.figure import Capsule
from classification.data.sample.noise import Field, smoothstep

Skin = Callable[[Field, Field], Field]  # along and across the skin -> noise
ROUGHEST = 1.25  # a shaggy outline stays within this many radii


class Buffer:
    """A depth buffer with what the coat needs to know at each pixel."""

    def __init__(self, bounds: tuple[int, int, int, int], *, scale: float, size: float) -> None:
        self.left, self.top, right, bottom = bounds
        self.scale = scale  # pixels per metre
        self.size = size  # shoulder height, metres
        height, width = bottom - self.top, right - self.left
        self.depth = np.full((height, width), -np.inf, dtype=np.float32)
        self.normal = np.zeros((3, height, width), dtype=np.float32)
        self.colour = np.zeros((3, height, width), dtype=np.float32)
        self.belly = np.zeros((height, width), dtype=np.float32)
        self.pattern = np.zeros((height, width), dtype=np.float32)
        self.along = np.zeros((height, width), dtype=np.float32)  # shoulder heights on the skin
        self.across = np.zeros((height, width), dtype=np.float32)

    @classmethod
    def around(
        cls,
        capsules: list[Capsule],
        matrix: NDArray[np.float64],
        *,
        scale: float,
        size: float,
        grid: int,
    ) -> "Buffer":
        """A buffer that holds all capsules, aligned to blocks of `grid` pixels."""
        ends = np.array([matrix @ p for c in capsules for p in (c.start, c.end)])
        radii = np.array([r for c in capsules for r in (c.radius_start, c.radius_end)])
        reach = radii * ROUGHEST
        x, y = ends[:, 0], -ends[:, 1]
        low = [int(np.floor((v - reach).min() * scale / grid)) * grid for v in (x, y)]
        high = [int(np.ceil((v + reach).max() * scale / grid)) * grid for v in (x, y)]
        return cls((low[0], low[1], high[0], high[1]), scale=scale, size=size)

    def locate(self, point: NDArray[np.float64]) -> tuple[float, float, float]:
        """Column, row (pixels of the buffer) and depth (pixels) of a point on the screen."""
        return (
            point[0] * self.scale - self.left,
            -point[1] * self.scale - self.top,
            point[2] * self.scale,
        )

    def visible(self, x: float, y: float, near: float) -> bool:
        """Whether nothing covers a point."""
        row, column = int(y), int(x)
        if not (0 <= row < self.depth.shape[0] and 0 <= column < self.depth.shape[1]):
            return False
        return bool(self.depth[row, column] <= near + 2.5)

    def add(self, capsule: Capsule, matrix: NDArray[np.float64], coat: Coat, rough: Skin) -> None:
        """Draw one capsule where it is nearest; `rough` gives the outline its hair."""
        ax, ay, az = self.locate(matrix @ capsule.start)
        bx, by, bz = self.locate(matrix @ capsule.end)
        axis = (bx - ax, by - ay)
        square = max(axis[0] ** 2 + axis[1] ** 2, 1.0)
        ra, rb = capsule.radius_start * self.scale, capsule.radius_end * self.scale
        rows, columns = self._near(ax, ay, bx, by, ra, rb)
        x, y = columns + 0.5 - ax, rows + 0.5 - ay
        t = np.clip((x * axis[0] + y * axis[1]) / square, 0, 1)
        radius = ra + (rb - ra) * t
        flat, unit = square**0.5, self.scale * self.size
        stretch = min(3.0, np.hypot(flat, bz - az) / flat)  # foreshortened limbs
        along = capsule.along / self.size + (x * axis[0] + y * axis[1]) * stretch / (flat * unit)
        across = (x * axis[1] - y * axis[0]) / (flat * unit)
        edge = radius * (1 + coat.shaggy * np.clip(rough(along, across), -1.5, 1.5)) + 0.35
        off_x, off_y = x - t * axis[0], y - t * axis[1]
        facing = np.sqrt(np.maximum(1 - (off_x**2 + off_y**2) / (edge * edge), 0))
        depth = az + t * (bz - az) + facing * radius
        new = (facing > 0) & (depth > self.depth[rows, columns])
        place = (rows[new], columns[new])
        self.depth[place] = depth[new]
        self.normal[:, *place] = np.stack([off_x / edge, -off_y / edge, facing])[:, new]
        self.colour[:, *place] = _blend(capsule, t[new])
        self.belly[place] = capsule.belly
        self.pattern[place] = capsule.pattern
        self.along[place] = along[new]
        self.across[place] = across[new]

    def _near(
        self, ax: float, ay: float, bx: float, by: float, ra: float, rb: float
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the pixels that a capsule could cover."""
        reach = max(ra, rb) * ROUGHEST + 1
        height, width = self.depth.shape
        left, top = max(0, int(min(ax, bx) - reach)), max(0, int(min(ay, by) - reach))
        right, bottom = min(width, int(max(ax, bx) + reach) + 1), int(max(ay, by) + reach) + 1
        x = np.arange(left, right, dtype=np.float32)[None, :] + 0.5 - ax
        y = np.arange(top, min(height, bottom), dtype=np.float32)[:, None] + 0.5 - ay
        dx, dy = bx - ax, by - ay
        t = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1.0), 0, 1)
        limit = ROUGHEST * (ra + (rb - ra) * t) + 1
        rows, columns = np.nonzero((x - t * dx) ** 2 + (y - t * dy) ** 2 < limit * limit)
        return rows + top, columns + left


def _blend(capsule: Capsule, t: Field) -> Field:
    """Colour along a capsule, float32 [3, n], 0..1."""
    start = np.array(capsule.colour_start, dtype=np.float32)[:, None] / 255
    end = np.array(capsule.colour_end, dtype=np.float32)[:, None] / 255
    return start + (end - start) * smoothstep(t, 0.0, 1.0)
