"""From one box to the pixels of its crop."""

import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from classification.data.boxes import (
    MIN_INSIDE,
    Rectangle,
    as_boxes,
    box_faults,
    clip_boxes,
    from_relative,
    square,
    tight,
)
from classification.data.images import ImageError

_SAME_SHAPE = 0.01  # relative difference of aspect ratios up to which an image counts as rescaled
_JPEG_SIDE = 65_500
_THIN = 1e-6  # pixels; what is thinner may vanish in rounding and is left to the rules


class BoxError(ImageError):
    """A box that cannot be cropped; reasons as in `boxes.box_faults`, and ``size_mismatch``."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything but image and box that decides how a crop looks.

    strategy: ``square`` or ``pad``. max_size: longest side in pixels, 0 for any. min_size: pixels
    that the longer side of a box must have. quality: of the JPEG.
    """

    strategy: str
    max_size: int
    min_size: int
    quality: int
    keep_truncated: bool

    @property
    def key(self) -> str:
        """The recipe in a word; a crop made by another one is made again."""
        truncated = "-truncated" if self.keep_truncated else ""
        return f"{self.strategy}-{self.min_size}-{self.max_size}-q{self.quality}{truncated}"


def place(
    box: Any,
    *,
    relative: bool,
    width: int,
    height: int,
    declared: tuple[float, float] | None,
    recipe: Recipe,
) -> Rectangle:
    """The rectangle to cut out of an image of `width` x `height` pixels; all of it without box.

    Args:
        box: x, y, width, height as found in the dataset, or None.
        relative: the box is in shares of the image.
        width, height: pixels of the upright image.
        declared: what the dataset says width and height are. A box drawn on a larger or smaller
            copy of the same shape is scaled.
        recipe: how to crop.

    Raises:
        BoxError: the box is not usable on this image.
    """
    if box is None:
        return 0, 0, width, height
    cut = square if recipe.strategy == "square" else tight
    same_size = not declared or declared == (width, height)
    if not relative and same_size and _is_sound(box, width, height, recipe.min_size):
        return cut(box, width, height)
    boxes = as_boxes([box])
    if relative:
        boxes = from_relative(boxes, width, height)
    elif declared and not same_size:
        boxes = boxes * _scale(declared, width, height)
    fault = box_faults(boxes, width, height, min_size=recipe.min_size, min_inside=MIN_INSIDE)[0]
    if fault:
        raise BoxError(str(fault), f"box {box} in {width} x {height} pixels")
    x, y, w, h = clip_boxes(boxes, width, height)[0].tolist()
    return cut((x, y, w, h), width, height)


def shrink_factor(rectangles: Iterable[Rectangle], max_size: int) -> int:
    """How far the decoder may shrink the image without costing any crop resolution: 1, 2, 4, 8."""
    if not max_size:
        return 1
    smallest = min(max(right - left, bottom - top) for left, top, right, bottom in rectangles)
    return next((factor for factor in (8, 4, 2) if smallest >= factor * max_size), 1)


def rows_needed(rectangles: Iterable[Rectangle], max_size: int) -> int:
    """Rows from the top of the full image that the crops are made of.

    Resizing looks up to 3 pixels of the result beyond the rectangle (Lanczos); a decoder that
    shrinks by 8 rounds to 8.
    """
    return max(
        bottom + 8 + math.ceil(3 * max(1, (right - left) / max_size, (bottom - top) / max_size))
        if max_size
        else bottom
        for left, top, right, bottom in rectangles
    )


def render(image: Image.Image, rectangle: Rectangle, width: int, recipe: Recipe) -> Image.Image:
    """The crop: at most `max_size` on its longer side; with ``pad`` a square on black.

    Args:
        image: the decoded image, perhaps shrunk.
        rectangle: in pixels of the full image.
        width: of the full image.
        recipe: how to crop.
    """
    left, top, right, bottom = rectangle
    across, down = right - left, bottom - top
    scale = min(1.0, recipe.max_size / max(across, down)) if recipe.max_size else 1.0
    size = max(1, round(across * scale)), max(1, round(down * scale))
    if image.width == width and scale == 1.0:
        crop = image.crop(rectangle)
    else:
        crop = image.resize(size, Image.Resampling.LANCZOS, _shrunk(image, rectangle, width))
    if recipe.strategy == "pad" and size[0] != size[1] and size != image.size:
        canvas = Image.new("RGB", (max(size), max(size)))
        canvas.paste(crop, ((max(size) - size[0]) // 2, (max(size) - size[1]) // 2))
        return canvas
    return crop


def to_jpeg(crop: Image.Image, quality: int) -> bytes:
    """A JPEG without the comments that cameras write into theirs.

    Raises:
        BoxError: larger than a JPEG can be.
    """
    if max(crop.size) > _JPEG_SIDE:
        raise BoxError("too_large", f"{crop.width} x {crop.height} pixels do not fit a JPEG")
    crop.info = {}
    buffer = io.BytesIO()
    crop.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _shrunk(
    image: Image.Image, rectangle: Rectangle, width: int
) -> tuple[float, float, float, float]:
    left, top, right, bottom = rectangle
    ratio = image.width / width
    return (
        left * ratio,
        top * ratio,
        min(right * ratio, image.width),
        min(bottom * ratio, image.height),
    )


def _is_sound(box: Any, width: int, height: int, min_size: int) -> bool:
    """Four numbers inside the image, as nearly all boxes are; the rules take 0.2 ms for one box."""
    if type(box) is not list or len(box) != 4 or not all(type(v) in (int, float) for v in box):
        return False
    x, y, w, h = box
    inside = x >= 0 and y >= 0 and x + w <= width and y + h <= height
    return inside and min(w, h) > _THIN and max(w, h) >= min_size


def _scale(declared: tuple[float, float], width: int, height: int) -> float:
    said_width, said_height = declared
    if abs((said_width * height) / (said_height * width) - 1) > _SAME_SHAPE:
        raise BoxError(
            "size_mismatch",
            f"the dataset says {said_width:g} x {said_height:g} pixels, the upright image has "
            f"{width} x {height}",
        )
    return width / said_width
