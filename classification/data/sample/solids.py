"""Trunks, logs and rocks: round things with a rough surface."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classification.data.sample.canvas import Rgb
from classification.data.sample.noise import Field, smoothstep, stretched
from classification.data.sample.painter import Painter, Spot


def paint_trunk(painter: Painter, spot: Spot, *, radius: float, bark: Rgb) -> None:
    """A standing tree of `radius` metres, from its root to above the picture."""
    half = radius * spot.scale
    height = int(min(spot.row, painter.camera.height * 1.3)) + 4
    lean = painter.rng.normal(0, 0.05)
    width = int(2 * half * 1.9 + abs(lean) * height) + 4
    above = height - np.arange(height, dtype=np.float32)[:, None]
    flare = 1 + 0.7 * np.exp(-above / (half * 0.9 + 1)) - 0.15 * above / height
    centre = width / 2 + lean * (above - height / 2)
    across = (np.arange(width, dtype=np.float32)[None, :] - centre) / (half * flare)
    colour, alpha = _round_wood(painter, across, bark, spot.scale)
    alpha = alpha * smoothstep(above - 0.35 * half * np.minimum(across**2, 1), 0, 2)
    left = spot.column - width / 2 + lean * height / 2
    painter.canvas.patch(colour, alpha, left=left, top=spot.row - height, depth=spot.depth)


def paint_log(painter: Painter, spot: Spot, *, radius: float, length: float, bark: Rgb) -> None:
    """A fallen trunk of `radius` and `length` metres lying across the view."""
    half, long = radius * spot.scale, int(length * spot.scale) + 4
    thick = int(2 * half) + 4
    across = (np.arange(thick, dtype=np.float32)[None, :] - thick / 2) / half
    across = across * (1 + 0.15 * np.linspace(0, 1, long, dtype=np.float32)[:, None])
    colour, alpha = _round_wood(painter, across, bark, spot.scale)
    angle = 90 + painter.rng.normal(0, 9)
    turned = Image.fromarray(colour).rotate(angle, Image.Resampling.BILINEAR, expand=True)
    mask = Image.fromarray(alpha).rotate(angle, Image.Resampling.BILINEAR, expand=True)
    painter.canvas.patch(
        np.asarray(turned),
        np.asarray(mask, dtype=np.float32),
        left=spot.column - turned.width / 2,
        top=spot.row - turned.height / 2 - half,
        depth=spot.depth,
    )


def _round_wood(
    painter: Painter, across: Field, bark: Rgb, scale: float
) -> tuple[NDArray[np.uint8], Field]:
    """Bark shaded as a cylinder; `across` runs from -1 to 1 over the visible half."""
    grain = stretched(
        painter.grain,
        (across.shape[0], across.shape[1]),
        rows=max(1.0, scale * 0.05),
        columns=max(1.0, scale * 0.008),
        offset=painter.offset(),
    )
    inside = np.clip(across, -1, 1)
    light = 1 + painter.rng.uniform(-0.5, 0.5) * inside  # from one side
    shade = (0.35 + 0.65 * np.sqrt(1 - inside**2)) * light
    ridges = 1 - 0.28 * smoothstep(np.abs(grain), 0.1, 1.2) + 0.08 * grain
    value = np.clip((shade * ridges)[..., None] * np.array(bark), 0, 255)
    pixel = 2 / max(across.shape[1], 2)
    alpha = smoothstep(1 - np.abs(across), -pixel, pixel)
    return value.astype(np.uint8), alpha.astype(np.float32)


def paint_rock(painter: Painter, spot: Spot, *, radius: float, stone: Rgb) -> None:
    """A boulder of `radius` metres, lit from above, its foot in the ground."""
    rng, half = painter.rng, radius * spot.scale
    size = int(2.6 * half) + 4
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size * 2.6 - 1.3
    y = y * rng.uniform(1.2, 1.8)
    angle = np.arctan2(y, x)
    outline = np.ones_like(angle)
    for wave in (1, 2, 3, 5, 8):
        outline += rng.uniform(0, 0.1 / wave) * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    reach = np.hypot(x, y) / outline
    rough = stretched(
        painter.grain,
        (size, size),
        rows=max(1.0, half / 14),
        columns=max(1.0, half / 10),
        offset=painter.offset(),
    )
    dome = np.sqrt(np.clip(1 - reach**2, 0, 1))
    shade = 0.45 + 0.4 * dome - 0.23 * y + 0.1 * rough
    foot = smoothstep(0.42 + 0.05 * rough - y, 0, 0.06)
    painter.canvas.patch(
        np.clip(shade[..., None] * np.array(stone), 0, 255).astype(np.uint8),
        smoothstep(1 - reach, 0, 0.06) * foot,
        left=spot.column - size / 2,
        top=spot.row - size * 1.6 / 2.6,
        depth=spot.depth,
    )
