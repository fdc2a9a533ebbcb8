"""A picture under construction: colour and depth, painted from far to near."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from classification.data.sample.noise import Field

Points = Sequence[tuple[float, float]]
Rgb = tuple[float, float, float]


class Canvas:
    """Colour (RGB) and depth (metres) side by side; a later stroke covers an earlier one."""

    def __init__(self, colour: NDArray[np.uint8], depth: Field) -> None:
        self._colour = Image.fromarray(colour)
        self._depth = Image.fromarray(depth)
        self._draw_colour = ImageDraw.Draw(self._colour)
        self._draw_depth = ImageDraw.Draw(self._depth)

    def polygon(self, points: Points, colour: Rgb, depth: float) -> None:
        """Fill a polygon."""
        red, green, blue = (min(255, max(0, int(value))) for value in colour)
        self._draw_colour.polygon(points, fill=(red, green, blue))
        self._draw_depth.polygon(points, fill=depth)

    def patch(
        self, colour: NDArray[np.uint8], alpha: Field, *, left: float, top: float, depth: float
    ) -> None:
        """Lay a picture uint8 [h, w, 3] with coverage float32 [h, w] on the canvas."""
        corner = (round(left), round(top))
        mask = Image.fromarray((np.clip(alpha, 0, 1) * 255).astype(np.uint8))
        hard = Image.fromarray(np.where(alpha > 0.5, 255, 0).astype(np.uint8))
        self._colour.paste(Image.fromarray(colour), corner, mask)
        self._depth.paste(depth, (*corner, corner[0] + mask.width, corner[1] + mask.height), hard)

    def reduced(self, factor: int) -> tuple[Field, Field]:
        """Colour [3, H, W] in 0..1 and depth [H, W], `factor` times smaller, float32."""
        colour = np.asarray(self._colour.reduce(factor), dtype=np.float32) / 255
        depth = np.asarray(self._depth, dtype=np.float32)[factor // 2 :: factor, ::factor]
        return np.ascontiguousarray(np.moveaxis(colour, -1, 0)), np.ascontiguousarray(depth)
