"""What every brush stroke of a scene needs: the canvas, the camera and a source of chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification.data.sample.camera import Camera
from classification.data.sample.canvas import Canvas, Rgb
from classification.data.sample.habitats import Colour
from classification.data.sample.noise import TILE, Field, fractal


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A place on the ground in view."""

    column: float
    row: float
    """Pixels."""
    depth: float
    """Metres."""
    scale: float
    """Pixels per metre."""


@dataclass(frozen=True, kw_only=True)
class Painter:
    """Canvas, camera and generator of one scene, and the tinge of its season."""

    canvas: Canvas
    camera: Camera
    rng: np.random.Generator
    season: NDArray[np.float64]
    """Gains of red, green and blue."""
    grain: Field
    """Noise tile for bark and stone."""

    @classmethod
    def start(cls, canvas: Canvas, camera: Camera, rng: np.random.Generator) -> "Painter":
        """A painter for a scene, the season drawn by chance."""
        warm, lush = rng.normal(0, 0.05), rng.normal(0, 0.025)
        season = np.array([1 + warm, 1 + lush, 1 - warm])
        grain = fractal(rng, beta=1.4)
        return cls(canvas=canvas, camera=camera, rng=rng, season=season, grain=grain)

    def colour(self, choices: tuple[Colour, ...], *, spread: float = 0.12) -> Rgb:
        """One of the colours, a little lighter or darker and a little off in hue."""
        base = np.array(choices[self.rng.integers(len(choices))], dtype=float)
        base = base * self.season * self.rng.normal(1, spread) + self.rng.normal(0, 2.5, 3)
        return (base[0], base[1], base[2])

    def spot(self, nearest: float, farthest: float) -> Spot:
        """A chance place between two depths in metres, even in their logarithm."""
        depth = float(np.exp(self.rng.uniform(np.log(nearest), np.log(farthest))))
        column = float(self.rng.uniform(-0.05, 1.05) * self.camera.width)
        return Spot(
            column=column,
            row=self.camera.ground_row(depth, column),
            depth=depth,
            scale=self.camera.pixels_per_metre(depth),
        )

    def count(self, bounds: tuple[int, int]) -> int:
        """A whole number from the first to the second, both included."""
        return int(self.rng.integers(bounds[0], bounds[1] + 1))

    def offset(self) -> tuple[int, int]:
        """Where to begin in a noise tile."""
        return int(self.rng.integers(TILE)), int(self.rng.integers(TILE))
