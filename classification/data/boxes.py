"""Geometry and health of boxes: pure functions, and the table of reasons for a bad one.

A box is x, y, width, height in absolute pixels from the upper left corner, unless it is called
relative. A rectangle is left, top, right, bottom in whole pixels, as Pillow's ``crop`` takes it.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
Rectangle = tuple[int, int, int, int]
Boxes = NDArray[np.float64]

WHOLE_SHARE = 0.95  # of width and of height: such a box says nothing that the frame does not
MIN_INSIDE = 0.5  # of a box's area; with less of it in the picture the box is taken for an error

_NOTHING = (np.nan,) * 4


def as_boxes(values: Iterable[Any]) -> Boxes:
    """Boxes as float64 [N, 4]; all NaN for None and for anything that is not four numbers."""
    rows = [v if isinstance(v, (list, tuple)) and len(v) == 4 else _NOTHING for v in values]
    numbers = [v if _is_number(v) else np.nan for row in rows for v in row]
    boxes = np.array(numbers, dtype=np.float64).reshape(-1, 4)
    boxes[np.isnan(boxes).any(axis=1)] = np.nan
    return boxes


def from_relative(boxes: Boxes, width: Any, height: Any) -> Boxes:
    """Absolute boxes [N, 4] out of relative ones, cut to whole pixels as MegaDetector does."""
    size = np.stack(np.broadcast_arrays(width, height, width, height), axis=-1)
    return np.trunc(boxes * size)


def clip_boxes(boxes: Boxes, width: Any, height: Any) -> Boxes:
    """The part of each box inside its image [N, 4]; width or height may come out negative."""
    left, top = np.maximum(boxes[:, 0], 0), np.maximum(boxes[:, 1], 0)
    right = np.minimum(boxes[:, 0] + boxes[:, 2], width)
    bottom = np.minimum(boxes[:, 1] + boxes[:, 3], height)
    return np.stack([left, top, right - left, bottom - top], axis=1)


def box_faults(
    boxes: Boxes, width: Any, height: Any, *, min_size: float, min_inside: float
) -> NDArray[np.str_]:
    """Why each box cannot be used, or ``""``: text [N].

    Args:
        boxes: float64 [N, 4], absolute.
        width, height: pixels of the image, [N] or one number; NaN where unknown, which leaves
            out the checks against the image.
        min_size: pixels that the longer side of the clipped box must have.
        min_inside: share of the box's area that must lie inside the image.

    Returns:
        ``nan``, ``negative``, ``zero_area``, ``outside``, ``mostly_outside`` or ``too_small``.
    """
    size = boxes[:, 2:]
    width, height = np.broadcast_to(width, len(boxes)), np.broadcast_to(height, len(boxes))
    known = np.isfinite(width) & np.isfinite(height)
    inside = clip_boxes(boxes, np.where(known, width, np.inf), np.where(known, height, np.inf))
    inside[~known] = boxes[~known]
    with np.errstate(all="ignore"):
        share = np.prod(inside[:, 2:], axis=1) / np.prod(size, axis=1)
        rules = {
            "nan": ~np.isfinite(boxes).all(axis=1),
            "negative": (size < 0).any(axis=1),
            "zero_area": (size == 0).any(axis=1),
            "outside": (inside[:, 2:] <= 0).any(axis=1),
            "mostly_outside": share < min_inside,
            "too_small": inside[:, 2:].max(axis=1, initial=0) < min_size,
        }
    return np.select(list(rules.values()), list(rules), default="")


def is_whole_image(boxes: Boxes, width: Any, height: Any) -> NDArray[np.bool_]:
    """Boxes that cover `WHOLE_SHARE` of both the width and the height: bool [N]."""
    return (boxes[:, 2] >= WHOLE_SHARE * width) & (boxes[:, 3] >= WHOLE_SHARE * height)


def square(box: Box, width: int, height: int) -> Rectangle:
    """A square around `box`, shifted into the image; never less than the box, never padding.

    Its side is the longer one of the box. Where the image itself is shorter than that, the
    rectangle takes the image's whole width or height and is not square: to cut the animal or to
    add black would be worse. Inside the image it is the rectangle of MegaDetector's and
    animl-ml's croppers, to the pixel.
    """
    x, y, w, h = box
    side = max(int(max(w, h)), 1)
    left = _shift(round(x - int((side - w) / 2)), side, width)
    top = _shift(round(y - int((side - h) / 2)), side, height)
    return left, top, min(left + side, width), min(top + side, height)


def tight(box: Box, width: int, height: int) -> Rectangle:
    """`box` in whole pixels, at least one each way, cut at the image's edges."""
    x, y, w, h = box
    left, top = min(max(round(x), 0), width - 1), min(max(round(y), 0), height - 1)
    right, bottom = min(round(x + w), width), min(round(y + h), height)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _shift(start: int, side: int, length: int) -> int:
    return max(0, min(start, length - side))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
