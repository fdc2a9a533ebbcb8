"""Things that stand in a scene: grass, shrubs, trunks, logs and rocks, each painted by one call."""

import numpy as np
from PIL import Image

from classification.data.sample.camera import Camera
from classification.data.sample.canvas import Canvas, Rgb
from classification.data.sample.habitats import Colour
from classification.data.sample.noise import Field, fractal, smoothstep, stretched

BRANCHES = 11
LEAVES_PER_BRANCH = 22


class Painter:
    """A camera, a canvas and a source of randomness: what every stroke needs."""

    def __init__(self, canvas: Canvas, camera: Camera, rng: np.random.Generator) -> None:
        self.canvas = canvas
        self.camera = camera
        self.rng = rng
        warm, lush = rng.normal(0, 0.05), rng.normal(0, 0.025)
        self.season = np.array([1 + warm, 1 + lush, 1 - warm])
        self.grain = fractal(rng, beta=1.4)

    def colour(self, choices: tuple[Colour, ...], *, spread: float = 0.12) -> Rgb:
        """One of the colours, a little lighter or darker and a little off in hue."""
        base = np.array(choices[self.rng.integers(len(choices))], dtype=float)
        base = base * self.season * self.rng.normal(1, spread) + self.rng.normal(0, 2.5, 3)
        return (base[0], base[1], base[2])

    def tuft(
        self, column: float, depth: float, *, height: float, colours: tuple[Colour, ...]
    ) -> None:
        """A tuft of grass `height` metres high; the blades lean apart."""
        scale = self.camera.pixels_per_metre(depth)
        row = self.camera.ground_row(depth, column)
        for _ in range(int(self.rng.integers(9, 18))):
            length = scale * height * self.rng.uniform(0.5, 1.1)
            lean = self.rng.normal(0, 0.4)
            foot = column + scale * height * self.rng.normal(0, 0.22)
            width = max(0.7, scale * 0.0034 * self.rng.uniform(0.6, 1.7))
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
    ) -> None:
        """A shrub of `radius` metres, leaves of `leaf` metres."""
        scale = self.camera.pixels_per_metre(depth)
        row = self.camera.ground_row(depth, column)
        leaf = max(leaf, radius / 13)  # far shrubs need no more leaves than near ones
        leaves = []
        for _ in range(BRANCHES):
            lean, rise = self.rng.normal(0, 0.6), self.rng.uniform(0.7, 1.7)
            tip = (column + lean * radius * scale, row - rise * radius * scale)
            self._branch((column, row), tip, max(0.6, scale * radius * 0.013), depth)
            for share in self.rng.uniform(0.2, 1.05, LEAVES_PER_BRANCH):
                spread = self.rng.normal(0, 0.15, 2) * radius * scale
                leaves.append(
                    (
                        column + share * (tip[0] - column) + spread[0],
                        row + share * (tip[1] - row) + spread[1],
                    )
                )
        top = row - 1.7 * radius * scale
        for x, y in sorted(leaves, key=lambda spot: -spot[1]):
            light = 0.45 + 0.55 * (row - y) / (row - top) + self.rng.normal(0, 0.13)
            red, green, blue = self.colour(colours)
            self._leaf(x, y, scale * leaf, (red * light, green * light, blue * light), depth)

    def _branch(
        self, foot: tuple[float, float], tip: tuple[float, float], width: float, depth: float
    ) -> None:
        bow = self.rng.normal(0, 0.12) * (foot[1] - tip[1])
        knee = (0.55 * foot[0] + 0.45 * tip[0] + bow, 0.45 * foot[1] + 0.55 * tip[1])
        points = [
            (foot[0] - width, foot[1]),
            (knee[0] - 0.5 * width, knee[1]),
            tip,
            (knee[0] + 0.5 * width, knee[1]),
            (foot[0] + width, foot[1]),
        ]
        self.canvas.polygon(points, (68, 56, 44), depth)

    def _leaf(self, x: float, y: float, length: float, colour: Rgb, depth: float) -> None:
        angle = self.rng.uniform(0, np.pi)
        wide = length * self.rng.uniform(0.2, 0.45)
        dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
        nx, ny = -np.sin(angle) * wide / 2, np.cos(angle) * wide / 2
        points = [(x - dx, y - dy), (x + nx, y + ny), (x + dx, y + dy), (x - nx, y - ny)]
        self.canvas.polygon(points, colour, depth)

    def litter(self, column: float, depth: float, *, colours: tuple[Colour, ...]) -> None:
        """One fallen leaf, flat on the ground."""
        scale = self.camera.pixels_per_metre(depth) * self.rng.uniform(0.012, 0.03)
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
