"""From a figure to pixels: capsules into a depth buffer, then fur, then a cut-out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from classification.data.sample.figure import Figure, Pose
from classification.data.sample.fur import Fur, fur_colour
from classification.data.sample.noise import Field
from classification.data.sample.zbuffer import Buffer

SUPERSAMPLING = 2


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
    """Offset in pixels of the first pixel from the point on the ground below its middle."""
    eyes: list[tuple[float, float]]
    """Visible eyes, pixels relative to the sprite: x, y."""
    eye_radius: float
    """Pixels."""


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
    buffer = Buffer.around(figure.capsules, matrix, scale=scale * fine, size=fur.size, grid=fine)
    for capsule in figure.capsules:
        buffer.add(capsule, matrix, fur.coat, fur.hair)
    colour = fur_colour(buffer, fur)
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


def _face(buffer: Buffer, colour: Field, points: list[NDArray[np.float64]], size: float) -> None:
    """Dark dots, `size` metres in radius, where nose and eyes are in view."""
    radius = max(0.9, size * buffer.scale)
    rows, columns = np.ogrid[: colour.shape[1], : colour.shape[2]]
    for x, y, near in (buffer.locate(point) for point in points):
        if buffer.visible(x, y, near):
            colour[:, (columns - x) ** 2 + (rows - y) ** 2 < radius**2] *= 0.3
