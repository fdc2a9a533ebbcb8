"""From a figure to pixels: capsules into a depth buffer, then fur, then a small picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from classification.data.sample.anatomy import Coat
from classification.data.sample.noise import Field, sample, smoothstep
from classification.data.sample.skeleton import Capsule, Figure, Pose

SUPERSAMPLING = 2
LARGEST = 900  # pixels of the longer side before reduction; bounds the time of a close-up


@dataclass(frozen=True, kw_only=True)
class Sprite:
    """An unlit animal, cut out. Arrays are float32, `h` x `w` screen pixels."""

    colour: Field
    """[h, w, 3], 0..1, under neutral light."""
    alpha: Field
    """[h, w], coverage."""
    normal: Field
    """[h, w, 3], unit vectors: right, up, towards the camera."""
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
    inside = buffer.depth > -np.inf
    _nose(colour, buffer, matrix @ figure.nose, figure)
    eyes = [
        (x / fine, y / fine)
        for x, y, near in (buffer.locate(matrix @ eye) for eye in figure.eyes)
        if buffer.visible(x, y, near)
    ]
    alpha = _reduce(inside.astype(np.float32))
    cover = np.maximum(alpha, 1e-6)[..., None]
    skull = figure.capsules[-1]
    normal = ndimage.gaussian_filter(buffer.normal, (1.2 * fine, 1.2 * fine, 0))
    normal = _reduce(normal * inside[..., None])
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    return Sprite(
        colour=_reduce(colour * inside[..., None]) / cover,
        alpha=alpha,
        normal=normal,
        left=buffer.left // fine,
        top=buffer.top // fine,
        eyes=eyes,
        eye_radius=max(0.5, 0.9 * skull.radius_start * scale * 0.25),
    )


def _reduce(values: Field) -> Field:
    """Mean over blocks of SUPERSAMPLING x SUPERSAMPLING pixels."""
    n = SUPERSAMPLING
    shape = (values.shape[0] // n, n, values.shape[1] // n, n, *values.shape[2:])
    return values.reshape(shape).mean(axis=(1, 3), dtype=np.float32)


class _Buffer:
    """A depth buffer with what the coat needs to know at each pixel."""

    def __init__(self, left: int, top: int, height: int, width: int, scale: float) -> None:
        self.left, self.top, self.scale = left, top, scale
        self.depth = np.full((height, width), -np.inf, dtype=np.float32)
        self.normal = np.zeros((height, width, 3), dtype=np.float32)
        self.colour = np.zeros((height, width, 3), dtype=np.float32)
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
        margin = radii * 1.25
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
        reach = max(ra, rb) * 1.25 + 1
        x0, x1 = max(0, int(min(ax, bx) - reach)), int(max(ax, bx) + reach) + 1
        y0, y1 = max(0, int(min(ay, by) - reach)), int(max(ay, by) + reach) + 1
        window = (slice(y0, y1), slice(x0, x1))
        shape = self.depth[window].shape
        x = np.arange(x0, x0 + shape[1], dtype=np.float32)[None, :] + 0.5 - ax
        y = np.arange(y0, y0 + shape[0], dtype=np.float32)[:, None] + 0.5 - ay
        dx, dy = bx - ax, by - ay
        square = dx * dx + dy * dy
        t = np.clip((x * dx + y * dy) / max(square, 1e-3), 0, 1)
        off_x, off_y = x - t * dx, y - t * dy
        unit = self.scale * fur.size
        along = capsule.along / fur.size + t * np.hypot(square**0.5, bz - az) / unit
        across = (off_x * dy - off_y * dx) / (max(square, 1e-3) ** 0.5 * unit)
        radius = ra + (rb - ra) * t
        rough = sample(fur.fine, along * 60, across * 60)
        edge = radius * (1 + fur.coat.shaggy * np.clip(rough, -1.5, 1.5)) + 0.35
        bulge = 1 - (off_x**2 + off_y**2) / (edge * edge)
        round_ = np.sqrt(np.maximum(bulge, 0))
        depth = az + t * (bz - az) + round_ * radius
        new = (bulge > 0) & (depth > self.depth[window])
        self.depth[window][new] = depth[new]
        inverse = 1 / edge[new]
        self.normal[window][new] = np.stack(
            [off_x[new] * inverse, -off_y[new] * inverse, round_[new]], axis=-1
        )
        start, end = np.array(capsule.colour_start), np.array(capsule.colour_end)
        mix = smoothstep(t[new], 0.0, 1.0)[:, None]
        self.colour[window][new] = (start + (end - start) * mix) / 255
        self.belly[window][new] = capsule.belly
        self.pattern[window][new] = capsule.pattern
        self.along[window][new] = along[new]
        self.across[window][new] = across[new]


def _fur_colour(buffer: _Buffer, fur: Fur) -> Field:
    """Base colour, pale underside, markings and the grain of the hair, [h, w, 3]."""
    coat = fur.coat
    colour = buffer.colour
    under = smoothstep(-buffer.normal[..., 1], 0.1, 0.75) * buffer.belly
    colour = colour + (np.array(coat.belly, dtype=np.float32) / 255 - colour) * under[..., None]
    marks = _markings(buffer, fur) * buffer.pattern * coat.contrast
    marks *= 1 - 0.6 * under
    dark = np.array(coat.pattern_colour, dtype=np.float32) / 255
    colour = colour + (dark - colour) * marks[..., None]
    grain = sample(fur.fine, buffer.across * 110, buffer.along * 40)
    crease = _crease(buffer.depth)
    return (colour * (1 + 0.09 * grain - 0.35 * crease)[..., None]).astype(np.float32)


def _markings(buffer: _Buffer, fur: Fur) -> Field:
    """Strength of the coat pattern at each pixel, 0..1, fixed to the skin."""
    coat = fur.coat
    along, across = buffer.along / coat.period, buffer.across / coat.period
    warp = sample(fur.coarse, across * 9 + 40, along * 9)
    if coat.pattern == "stripes":
        return smoothstep(np.sin(2 * np.pi * (along + 0.28 * warp)) + 0.35 * warp, 0.1, 0.8)
    if coat.pattern == "spots":
        dots = np.sin(2 * np.pi * (along + 0.3 * warp)) * np.sin(
            2 * np.pi * (across * 0.9 + 0.3 * sample(fur.coarse, along * 9, across * 9 + 90))
        )
        return smoothstep(np.abs(dots), 0.38, 0.7)
    if coat.pattern == "grizzle":
        streak = sample(fur.coarse, across * 60, along * 18)
        return smoothstep(streak + 0.6 * warp, -0.2, 1.6)
    return np.zeros_like(buffer.depth)


def _crease(depth: Field) -> Field:
    """Where one part lies close behind another: soft shadow, 0..1."""
    filled = np.where(np.isfinite(depth), depth, 0).astype(np.float32)
    sigma = max(1.0, depth.shape[0] / 40)
    return smoothstep(ndimage.gaussian_filter(filled, sigma) - filled, sigma, 4 * sigma)


def _nose(colour: Field, buffer: _Buffer, point: NDArray[np.float64], figure: Figure) -> None:
    """A dark nose and dark eyes, drawn into `colour`."""
    x, y, near = buffer.locate(point)
    radius = max(1.0, 0.012 * buffer.scale * 3)
    if buffer.visible(x, y, near):
        rows, columns = np.ogrid[: colour.shape[0], : colour.shape[1]]
        disc = (columns - x) ** 2 + (rows - y) ** 2 < radius**2
        colour[disc] *= 0.3
