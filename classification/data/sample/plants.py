"""Things that stand in a scene: grass, shrubs, trunks, logs and rocks, each painted by one call."""

import numpy as np
from PIL import Image

from classification.data.sample.camera import Camera
from classification.data.sample.canvas import Canvas, Rgb
from classification.data.sample.habitats import Colour
from classification.data.sample.noise import Field, fractal, smoothstep, stretched

LEAVES_PER_SHRUB = 150


class Painter:
    """A camera, a canvas and a source of randomness: what every stroke needs."""

    def __init__(self, canvas: Canvas, camera: Camera, rng: np.random.Generator) -> None:
        self.canvas = canvas
        self.camera = camera
        self.rng = rng
        self.grain = fractal(rng, beta=1.4)

    def colour(self, choices: tuple[Colour, ...], *, spread: float = 0.12) -> Rgb:
        """One of the colours, a little lighter or darker and a little off in hue."""
        base = np.array(choices[self.rng.integers(len(choices))], dtype=float)
        base = base * self.rng.normal(1, spread) + self.rng.normal(0, 4, 3)
        return (base[0], base[1], base[2])

    def tuft(
        self, column: float, depth: float, *, height: float, colours: tuple[Colour, ...]
    ) -> None:
        """A tuft of grass `height` metres high; the blades lean apart."""
        scale = self.camera.pixels_per_metre(depth)
        row = self.camera.ground_row(depth, column)
        for _ in range(int(self.rng.integers(6, 14))):
            length = scale * height * self.rng.uniform(0.5, 1.1)
            lean = self.rng.normal(0, 0.4)
            foot = column + scale * height * self.rng.normal(0, 0.22)
            width = max(0.7, scale * 0.006 * self.rng.uniform(0.7, 1.6))
            self._blade(
                foot, row, length=length, lean=lean, width=width, colours=colours, depth=depth
            )

    def _blade(
        self,
        foot: float,
        row: float,
        *,
        length: float,
        lean: float,
        width: float,
        colours: tuple[Colour, ...],
        depth: float,
    ) -> None:
        middle = (foot + 0.3 * lean * length, row - 0.6 * length)
        tip = (foot + lean * length, row - length * (1 - 0.25 * abs(lean)))
        red, green, blue = self.colour(colours)
        below = [(foot - width, row), middle, (middle[0] + width, middle[1]), (foot + width, row)]
        above = [middle, tip, (middle[0] + width, middle[1])]
        self.canvas.polygon(below, (red * 0.6, green * 0.6, blue * 0.6), depth)
        self.canvas.polygon(above, (red, green, blue), depth)

    def shrub(
        self,
        column: float,
        depth: float,
        *,
        radius: float,
        colours: tuple[Colour, ...],
        leaf: float,
        lift: float = 0.0,
    ) -> None:
        """A shrub of `radius` metres, leaves of `leaf` metres; `lift` raises it off the ground."""
        scale = self.camera.pixels_per_metre(depth)
        row = self.camera.ground_row(depth, column) - lift * scale
        leaf = max(leaf, radius / 22)  # far shrubs need no more leaves than near ones
        self._stems(column, row, scale * radius, depth)
        count = int(LEAVES_PER_SHRUB * self.rng.uniform(0.7, 1.3))
        for height in np.sort(self.rng.beta(1.6, 1.3, count)):
            reach = radius * (0.35 + 0.9 * np.sqrt(height * (1.08 - height)))
            x = column + scale * reach * self.rng.normal(0, 0.55)
            y = row - scale * radius * 1.7 * height
            light = 0.45 + 0.6 * height + self.rng.normal(0, 0.12)
            red, green, blue = self.colour(colours)
            self._leaf(x, y, scale * leaf, (red * light, green * light, blue * light), depth)

    def _stems(self, column: float, row: float, reach: float, depth: float) -> None:
        for _ in range(5):
            lean = self.rng.normal(0, 0.5) * reach
            width = max(0.6, reach * 0.02)
            points = [(column - width, row), (column + lean, row - reach), (column + width, row)]
            self.canvas.polygon(points, (58, 46, 36), depth)

    def _leaf(self, x: float, y: float, length: float, colour: Rgb, depth: float) -> None:
        angle = self.rng.uniform(0, np.pi)
        wide = length * self.rng.uniform(0.2, 0.45)
        dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
        nx, ny = -np.sin(angle) * wide / 2, np.cos(angle) * wide / 2
        points = [(x - dx, y - dy), (x + nx, y + ny), (x + dx, y + dy), (x - nx, y - ny)]
        self.canvas.polygon(points, colour, depth)

    def litter(self, column: float, depth: float, *, colours: tuple[Colour, ...]) -> None:
        """One fallen leaf, flat on the ground."""
        scale = self.camera.pixels_per_metre(depth) * self.rng.uniform(0.02, 0.05)
        row = self.camera.ground_row(depth, column)
        flat = min(0.8, 1.6 * self.camera.mount / depth)
        angle = self.rng.uniform(0, np.pi)
        points = [
            (
                column + scale * reach * np.cos(angle + turn),
                row + scale * reach * flat * np.sin(angle + turn),
            )
            for turn, reach in ((0, 1), (1.2, 0.55), (np.pi, 0.9), (4.8, 0.5))
        ]
        ground = self.camera.ground_row(depth, column)
        self.canvas.polygon(points, self.colour(colours, spread=0.2), self._depth_at(ground, depth))

    def _depth_at(self, row: float, depth: float) -> float:
        return depth if row < self.camera.height else self.camera.nearest()

    def trunk(self, column: float, depth: float, *, radius: float, bark: Rgb) -> None:
        """A standing tree from its root to above the picture."""
        scale = self.camera.pixels_per_metre(depth)
        foot = self.camera.ground_row(depth, column)
        height = int(min(foot, self.camera.height * 1.3)) + 4
        half = radius * scale
        lean = self.rng.normal(0, 0.05)
        width = int(2 * half * 1.9 + abs(lean) * height) + 4
        rows = np.arange(height, dtype=np.float32)[:, None]
        up = (height - rows) / height
        flare = 1 + 0.7 * np.exp(-(height - rows) / (half * 0.9 + 1)) - 0.15 * up
        centre = width / 2 + lean * (height / 2 - rows)
        across = (np.arange(width, dtype=np.float32)[None, :] - centre) / (half * flare)
        colour, alpha = self._round_wood(across, bark, scale)
        self.canvas.patch(
            colour,
            alpha,
            left=column - width / 2 - lean * height / 2,
            top=foot - height,
            depth=depth,
        )

    def _round_wood(self, across: Field, bark: Rgb, scale: float) -> tuple[np.ndarray, Field]:
        """Bark shaded as a cylinder; `across` runs from -1 to 1 over the visible half."""
        grain = stretched(
            self.grain,
            (across.shape[0], across.shape[1]),
            rows=max(1.0, scale * 0.05),
            columns=max(1.0, scale * 0.008),
            offset=(int(self.rng.integers(256)), int(self.rng.integers(256))),
        )
        side = self.rng.uniform(-0.5, 0.5)
        facing = np.sqrt(np.clip(1 - np.clip(across, -1, 1) ** 2, 0, 1))
        shade = (0.35 + 0.65 * facing) * (1 + side * np.clip(across, -1, 1))
        ridges = 1 - 0.28 * smoothstep(np.abs(grain), 0.1, 1.2) + 0.08 * grain
        value = np.clip((shade * ridges)[..., None] * np.array(bark), 0, 255)
        pixel = 2 / max(across.shape[1], 2)
        return value.astype(np.uint8), smoothstep(1 - np.abs(across), -pixel, pixel)

    def log(self, column: float, depth: float, *, radius: float, length: float, bark: Rgb) -> None:
        """A fallen trunk lying across the view."""
        scale = self.camera.pixels_per_metre(depth)
        half, long = radius * scale, int(length * scale) + 4
        thick = int(2 * half) + 4
        across = (np.arange(thick, dtype=np.float32)[None, :] - thick / 2) / half
        across = across * (1 + 0.15 * np.linspace(0, 1, long, dtype=np.float32)[:, None])
        colour, alpha = self._round_wood(across, bark, scale)
        angle = 90 + self.rng.normal(0, 9)
        turned = Image.fromarray(colour).rotate(angle, Image.Resampling.BILINEAR, expand=True)
        mask = Image.fromarray(alpha).rotate(angle, Image.Resampling.BILINEAR, expand=True)
        row = self.camera.ground_row(depth, column)
        self.canvas.patch(
            np.asarray(turned),
            np.asarray(mask, dtype=np.float32),
            left=column - turned.width / 2,
            top=row - turned.height / 2 - half,
            depth=depth,
        )

    def rock(self, column: float, depth: float, *, radius: float, stone: Rgb) -> None:
        """A boulder, lit from above, its foot in the ground."""
        half = radius * self.camera.pixels_per_metre(depth)
        size = int(2.6 * half) + 4
        y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size * 2.6 - 1.3
        y = y * self.rng.uniform(1.2, 1.8)
        angle = np.arctan2(y, x)
        waves = [self.rng.uniform(0, 0.1 / k) * np.cos(k * angle + self.rng.uniform(0, 6.28))
                 for k in (1, 2, 3, 5, 8)]  # fmt: skip
        reach = np.hypot(x, y) / (1 + np.sum(waves, axis=0))
        rough = stretched(
            self.grain, (size, size), rows=max(1.0, half / 14), columns=max(1.0, half / 10),
            offset=(int(self.rng.integers(256)), int(self.rng.integers(256))),
        )  # fmt: skip
        dome = np.sqrt(np.clip(1 - reach**2, 0, 1))
        shade = 0.45 + 0.4 * dome - 0.35 * y / 1.5 + 0.1 * rough
        foot = smoothstep(0.42 + 0.05 * rough - y, 0, 0.06)
        value = np.clip(shade[..., None] * np.array(stone), 0, 255).astype(np.uint8)
        row = self.camera.ground_row(depth, column)
        self.canvas.patch(
            value,
            smoothstep((1 - reach).astype(np.float32), 0, 0.06) * foot,
            left=column - size / 2,
            top=row - size * (1.3 + 0.3) / 2.6,
            depth=depth,
        )
