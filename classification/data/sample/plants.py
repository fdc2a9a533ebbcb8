"""Grass, shrubs and fallen leaves, each painted by one call."""

import numpy as np

from classification.data.sample.canvas import Rgb
from classification.data.sample.habitats import Colour
from classification.data.sample.painter import Painter, Spot

BRANCHES = 11
LEAVES_PER_BRANCH = 22
WOOD: Rgb = (68, 56, 44)
Xy = tuple[float, float]


def paint_tuft(painter: Painter, spot: Spot, *, height: float, colours: tuple[Colour, ...]) -> None:
    """A tuft of grass `height` metres high; the blades lean apart."""
    rng, tall = painter.rng, spot.scale * height
    for _ in range(painter.count((9, 17))):
        length = tall * rng.uniform(0.5, 1.1)
        lean = rng.normal(0, 0.4)
        x = spot.column + tall * rng.normal(0, 0.22)
        y = spot.row + tall * rng.normal(0, 0.06)
        wide = max(0.7, spot.scale * 0.0034 * rng.uniform(0.6, 1.7))
        middle = (x + 0.3 * lean * length, y - 0.6 * length)
        edge = (middle[0] + wide, middle[1])
        tip = (x + lean * length, y - length * (1 - 0.25 * abs(lean)))
        red, green, blue = painter.colour(colours)
        shaded = (red * 0.6, green * 0.6, blue * 0.6)
        painter.canvas.polygon([(x - wide, y), middle, edge, (x + wide, y)], shaded, spot.depth)
        painter.canvas.polygon([middle, tip, edge], (red, green, blue), spot.depth)


def paint_shrub(
    painter: Painter, spot: Spot, *, radius: float, colours: tuple[Colour, ...], leaf: float
) -> None:
    """A shrub of `radius` metres with leaves of `leaf` metres, lighter towards the top."""
    rng, size = painter.rng, spot.scale * radius
    leaf = spot.scale * max(leaf, radius / 13)  # far shrubs need no more leaves than near ones
    foot = (spot.column, spot.row)
    leaves: list[Xy] = []
    for _ in range(BRANCHES):
        tip = (foot[0] + rng.normal(0, 0.6) * size, foot[1] - rng.uniform(0.7, 1.7) * size)
        _branch(painter, foot, tip, max(0.6, size * 0.013), spot.depth)
        for share in rng.uniform(0.2, 1.05, LEAVES_PER_BRANCH):
            dx, dy = rng.normal(0, 0.15, 2) * size
            x, y = foot[0] + share * (tip[0] - foot[0]), foot[1] + share * (tip[1] - foot[1])
            leaves.append((x + dx, y + dy))
    for x, y in sorted(leaves, key=lambda place: -place[1]):
        light = 0.45 + 0.55 * (foot[1] - y) / (1.7 * size) + rng.normal(0, 0.13)
        red, green, blue = painter.colour(colours)
        _leaf(painter, (x, y), leaf, (red * light, green * light, blue * light), spot.depth)


def _branch(painter: Painter, foot: Xy, tip: Xy, wide: float, depth: float) -> None:
    bow = painter.rng.normal(0, 0.12) * (foot[1] - tip[1])
    knee = (0.55 * foot[0] + 0.45 * tip[0] + bow, 0.45 * foot[1] + 0.55 * tip[1])
    points = [
        (foot[0] - wide, foot[1]),
        (knee[0] - 0.5 * wide, knee[1]),
        tip,
        (knee[0] + 0.5 * wide, knee[1]),
        (foot[0] + wide, foot[1]),
    ]
    painter.canvas.polygon(points, WOOD, depth)


def _leaf(painter: Painter, middle: Xy, length: float, colour: Rgb, depth: float) -> None:
    angle = painter.rng.uniform(0, np.pi)
    wide = length * painter.rng.uniform(0.2, 0.45)
    x, y = middle
    dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
    nx, ny = -np.sin(angle) * wide / 2, np.cos(angle) * wide / 2
    points = [(x - dx, y - dy), (x + nx, y + ny), (x + dx, y + dy), (x - nx, y - ny)]
    painter.canvas.polygon(points, colour, depth)


def paint_fallen_leaf(painter: Painter, spot: Spot, *, colours: tuple[Colour, ...]) -> None:
    """One leaf, flat on the ground."""
    size = spot.scale * painter.rng.uniform(0.012, 0.03)
    flat = min(0.8, 1.6 * painter.camera.mount / spot.depth)  # seen at a slant
    angle = painter.rng.uniform(0, np.pi)
    points = [
        (
            spot.column + size * reach * np.cos(angle + turn),
            spot.row + size * reach * flat * np.sin(angle + turn),
        )
        for turn, reach in ((0, 1), (1.2, 0.55), (np.pi, 0.9), (4.8, 0.5))
    ]
    painter.canvas.polygon(points, painter.colour(colours, spread=0.2), spot.depth)
