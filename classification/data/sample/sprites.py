"""From a figure to pixels: capsules into a depth buffer, then fur, then a small picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from classification.data.sample.anatomy import Coat, Colour
from classification.data.sample.noise import Field, sample, smoothstep
from classification.data.sample.skeleton import Capsule, Figure, Pose

SUPERSAMPLING = 2
ROUGHEST = 1.25  # a shaggy outline stays within this many radii


@dataclass(frozen=True, kw_only=True)
class Sprite:
    """An unlit animal, cut out. Arrays are float32, `h` x `w` screen pixels."""

    colour: Field
    """[3, h, w], 0..1, under neutral light."""
    alpha: Field
    """[h, w], coverage."""
    normal: Field
    """[3, h, w], unit vectors: right, up, towards the camera."""
    left: int
    top: int
    """Offset in pixels of the first pixel from the point on the ground below the hips."""
    eyes: list[tuple[float, float]]
    """Visible eyes, pixels relative to the sprite: x, y."""
    eye_radius: float
    """Pixels."""


@dataclass(frozen=True, kw_only=True)
class Fur:
    """What makes one individual: its coat and the noise its markings come from."""

    coat: Coat
    size: float
    """Shoulder height, metres; markings grow with the animal."""
    coarse: Field
    fine: Field
    shift: int
    """Where in the noise its markings begin."""


def view_matrix(heading: float, elevation: float) -> NDArray[np.float64]:
    """Rotation from animal axes to screen axes (right, up, towards the camera)."""
    h, e = np.radians(heading), np.radians(elevation)
    turn = np.array([[np.cos(h), 0, np.sin(h)], [0, 1, 0], [-np.sin(h), 0, np.cos(h)]])
    tip = np.array([[1, 0, 0], [0, np.cos(e), -np.sin(e)], [0, np.sin(e), np.cos(e)]])
    return tip @ turn


def draw(figure: Figure, fur: Fur, pose: Pose, *, scale: float, elevation: float) -> Sprite:
    """Draw a figure at `scale` pixels per metre, seen from `elevation` degrees above level."""
    matrix = view_matrix(pose.heading, elevation)
    fine = SUPERSAMPLING
    buffer = _Buffer.around(figure.capsules, matrix, scale * fine, grid=fine)
    for capsule in figure.capsules:
        buffer.add(capsule, matrix, fur)
    colour = _fur_colour(buffer, fur)
    eyes = [matrix @ eye for eye in figure.eyes]
    _face(buffer, colour, [matrix @ figure.nose, *eyes], figure.eye_radius)
    inside = np.isfinite(buffer.depth).astype(np.float32)
    alpha = _reduce(inside)
    return Sprite(
        colour=_reduce(colour * inside) / np.maximum(alpha, 1e-6),
        alpha=alpha,
        normal=_smooth_normals(_reduce(buffer.normal * inside)),
        left=buffer.left // fine,
        top=buffer.top // fine,
        eyes=[
            (x / fine, y / fine)
            for x, y, near in map(buffer.locate, eyes)
            if buffer.visible(x, y, near)
        ],
        eye_radius=max(0.5, figure.eye_radius * scale),
    )


def _smooth_normals(normal: Field) -> Field:
    """Normals without the seams between parts, unit length."""
    smooth = ndimage.uniform_filter1d(ndimage.uniform_filter1d(normal, 3, axis=1), 3, axis=2)
    length = np.sqrt(np.einsum("chw,chw->hw", smooth, smooth))
    return smooth / np.maximum(length, 1e-6)


def _reduce(values: Field) -> Field:
    """Mean over blocks of SUPERSAMPLING x SUPERSAMPLING pixels."""
    n = SUPERSAMPLING
    blocks = [values[..., row::n, column::n] for row in range(n) for column in range(n)]
    return sum(blocks[1:], start=blocks[0]) * np.float32(1 / n**2)


class _Buffer:
    """A depth buffer with what the coat needs to know at each pixel."""

    def __init__(self, left: int, top: int, height: int, width: int, scale: float) -> None:
        self.left, self.top, self.scale = left, top, scale
        self.depth = np.full((height, width), -np.inf, dtype=np.float32)
        self.normal = np.zeros((3, height, width), dtype=np.float32)
        self.colour = np.zeros((3, height, width), dtype=np.float32)
        self.belly = np.zeros((height, width), dtype=np.float32)
        self.pattern = np.zeros((height, width), dtype=np.float32)
        self.along = np.zeros((height, width), dtype=np.float32)  # shoulder heights on the skin
        self.across = np.zeros((height, width), dtype=np.float32)

    @classmethod
    def around(
        cls, capsules: list[Capsule], matrix: NDArray[np.float64], scale: float, *, grid: int
    ) -> "_Buffer":
        """A buffer that holds all capsules, aligned to blocks of `grid` pixels."""
        ends = np.array([matrix @ p for c in capsules for p in (c.start, c.end)])
        radii = np.array([r for c in capsules for r in (c.radius_start, c.radius_end)])
        margin = radii * ROUGHEST
        left = int(np.floor((ends[:, 0] - margin).min() * scale / grid)) * grid
        right = int(np.ceil((ends[:, 0] + margin).max() * scale / grid)) * grid
        top = int(np.floor((-ends[:, 1] - margin).min() * scale / grid)) * grid
        bottom = int(np.ceil((-ends[:, 1] + margin).max() * scale / grid)) * grid
        return cls(left, top, max(grid, bottom - top), max(grid, right - left), scale)

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

    def add(self, capsule: Capsule, matrix: NDArray[np.float64], fur: Fur) -> None:
        """Draw one capsule where it is nearest."""
        ax, ay, az = self.locate(matrix @ capsule.start)
        bx, by, bz = self.locate(matrix @ capsule.end)
        ra, rb = capsule.radius_start * self.scale, capsule.radius_end * self.scale
        reach = max(ra, rb) * ROUGHEST + 1
        x0, x1 = max(0, int(min(ax, bx) - reach)), int(max(ax, bx) + reach) + 1
        y0, y1 = max(0, int(min(ay, by) - reach)), int(max(ay, by) + reach) + 1
        window = (slice(y0, y1), slice(x0, x1))
        shape = self.depth[window].shape
        columns = np.arange(x0, x0 + shape[1], dtype=np.float32)[None, :] + 0.5 - ax
        rows = np.arange(y0, y0 + shape[0], dtype=np.float32)[:, None] + 0.5 - ay
        dx, dy = bx - ax, by - ay
        square = dx * dx + dy * dy
        t = np.clip((columns * dx + rows * dy) / max(square, 1e-3), 0, 1)
        near = (columns - t * dx) ** 2 + (rows - t * dy) ** 2 < (
            ROUGHEST * (ra + (rb - ra) * t)
        ) ** 2
        where = np.nonzero(near)
        x, y, t = columns[0, where[1]], rows[where[0], 0], t[where]
        unit, flat = self.scale * fur.size, max(square, 1.0) ** 0.5
        stretch = min(3.0, np.hypot(flat, bz - az) / flat)  # foreshortened limbs
        along = capsule.along / fur.size + (x * dx + y * dy) * (stretch / (flat * unit))
        across = (x * dy - y * dx) / (flat * unit)
        rough = np.clip(sample(fur.fine, along * 60 + fur.shift, across * 60), -1.5, 1.5)
        radius = ra + (rb - ra) * t
        edge = radius * (1 + fur.coat.shaggy * rough) + 0.35
        off_x, off_y = x - t * dx, y - t * dy
        facing = np.sqrt(np.maximum(1 - (off_x**2 + off_y**2) / (edge * edge), 0))
        depth = az + t * (bz - az) + facing * radius
        new = (facing > 0) & (depth > self.depth[window][where])
        place = (where[0][new] + y0, where[1][new] + x0)
        self.depth[place] = depth[new]
        self.normal[:, *place] = np.stack([off_x / edge, -off_y / edge, facing])[:, new]
        start, end = np.array(capsule.colour_start), np.array(capsule.colour_end)
        mix = smoothstep(t[new], 0.0, 1.0)
        self.colour[:, *place] = (start[:, None] + (end - start)[:, None] * mix) / 255
        self.belly[place] = capsule.belly
        self.pattern[place] = capsule.pattern
        self.along[place] = along[new]
        self.across[place] = across[new]


def _fur_colour(buffer: _Buffer, fur: Fur) -> Field:
    """Base colour, pale underside, markings and the grain of the hair, [3, h, w]."""
    coat = fur.coat
    colour = buffer.colour
    under = smoothstep(-buffer.normal[1], 0.1, 0.75) * buffer.belly
    colour = colour + (_tone(coat.belly) - colour) * under
    marks = _markings(buffer, fur) * buffer.pattern * coat.contrast
    marks *= 1 - 0.6 * under
    colour += (_tone(coat.pattern_colour) - colour) * marks
    grain = sample(fur.fine, buffer.across * 110, buffer.along * 40)
    crease = _crease(buffer.depth)
    return colour * (1 + 0.09 * grain - 0.35 * crease)


def _tone(colour: Colour) -> Field:
    """A display colour as float32 [3, 1, 1], 0..1."""
    return (np.array(colour, dtype=np.float32) / 255)[:, None, None]


def _markings(buffer: _Buffer, fur: Fur) -> Field:
    """Strength of the coat pattern at each pixel, 0..1, fixed to the skin."""
    coat = fur.coat
    along, across = buffer.along / coat.period, buffer.across / coat.period
    warp = sample(fur.coarse, across * 5 + fur.shift, along * 5)
    if coat.pattern == "stripes":
        return smoothstep(np.sin(2 * np.pi * along + 1.6 * warp) + 0.3 * warp, 0.0, 0.7)
    if coat.pattern == "spots":
        other = sample(fur.coarse, along * 5, across * 5 + fur.shift)
        dots = np.cos(2 * np.pi * along + 1.8 * warp) * np.cos(2 * np.pi * across + 1.8 * other)
        return smoothstep(np.abs(dots), 0.4, 0.75)
    if coat.pattern == "grizzle":
        streak = sample(fur.coarse, across * 60, along * 18)
        return smoothstep(streak + 0.6 * warp, -0.2, 1.6)
    return np.zeros_like(buffer.depth)


def _crease(depth: Field) -> Field:
    """Where one part lies close behind another: soft shadow, 0..1."""
    filled = np.where(np.isfinite(depth), depth, 0).astype(np.float32)
    reach = max(1.0, depth.shape[0] / 40)
    around = ndimage.uniform_filter(filled, int(3 * reach) | 1)
    return smoothstep(around - filled, reach, 4 * reach)


def _face(buffer: _Buffer, colour: Field, points: list[NDArray[np.float64]], size: float) -> None:
    """Dark dots, `size` metres in radius, where nose and eyes are in view."""
    radius = max(0.9, size * buffer.scale)
    rows, columns = np.ogrid[: colour.shape[1], : colour.shape[2]]
    for x, y, near in (buffer.locate(point) for point in points):
        if buffer.visible(x, y, near):
            colour[:, (columns - x) ** 2 + (rows - y) ** 2 < radius**2] *= 0.3
