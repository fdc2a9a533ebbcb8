"""Every box becomes absolute pixels inside its image, or a row in the ledger."""

from typing import Literal

import numpy as np
import pandas as pd

from classification.data.boxes import Boxes, as_boxes, box_faults, clip_boxes, is_whole_image
from classification.data.boxes import from_relative as to_absolute
from classification.data.clean.draft import Draft, box_values

_ROUNDING = 1e-6  # x + width - x is not width in floating point; that is no clipping


def clean_boxes(
    draft: Draft, *, whole_image: Literal["drop", "frame", "keep"], min_inside: float
) -> Draft:
    """Judge and clip all boxes.

    A box of nearly the whole image says nothing that the frame does not: it is dropped, or kept,
    or with ``frame`` its label is kept for the frame. A box of which at least `min_inside` lies
    in the image is clipped, one with less is dropped, as are NaN, negative and empty ones. A
    ``bbox`` of numbers up to 1 is a relative one. Boxes of images of unknown size are checked
    against the image when it is cropped.
    """
    table = draft.annotations
    found = box_values(table)
    has = found.notna().to_numpy()
    if not has.any():
        return draft
    width = draft.of_image("width").to_numpy()[has]
    height = draft.of_image("height").to_numpy()[has]
    known = (width > 0) & (height > 0)
    width, height = np.where(known, width, np.nan), np.where(known, height, np.nan)

    boxes, relative = _one_of_both(table.loc[has])
    boxes[relative & known] = to_absolute(
        boxes[relative & known], width[relative & known], height[relative & known]
    )
    stays = relative & ~known
    width, height = np.where(stays, 1.0, width), np.where(stays, 1.0, height)
    faults = box_faults(boxes, width, height, min_size=0, min_inside=min_inside)
    whole = is_whole_image(boxes, width, height) & (faults == "")
    if whole_image == "drop":
        faults[whole] = "whole_image"
    frame = whole & (whole_image == "frame")
    clipped = clip_boxes(boxes, width, height)
    moved = np.abs(clipped - boxes).max(axis=1) > _ROUNDING
    cut = ~np.isnan(width) & moved & (faults == "")
    boxes[cut] = clipped[cut]

    draft = _store(draft, has, boxes, stays, frame)
    at = np.flatnonzero(has)
    draft = draft.change(_mask(at[frame], len(table)), "whole_image")
    draft = draft.change(_mask(at[cut & ~frame], len(table)), "clipped")
    turned = relative & table.loc[has, "bbox"].notna().to_numpy() & (faults == "")
    draft = draft.change(_mask(at[turned], len(table)), "bbox_was_relative")
    return _drop(draft, has, faults, found)


def _one_of_both(table: pd.DataFrame) -> tuple[Boxes, np.ndarray]:
    """Boxes [N, 4] and whether each is relative; ``bbox`` wins where a file gives both."""
    absolute = table["bbox"].notna().to_numpy()
    boxes = as_boxes(box_values(table))
    with np.errstate(invalid="ignore"):
        tiny = (boxes >= 0).all(axis=1) & (boxes <= 1).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
    return boxes, ~absolute | tiny


def _store(
    draft: Draft, has: np.ndarray, boxes: Boxes, relative: np.ndarray, frame: np.ndarray
) -> Draft:
    pixels = np.full(len(draft.annotations), None, dtype=object)
    shares = np.full(len(draft.annotations), None, dtype=object)
    rows = zip(np.flatnonzero(has), boxes.tolist(), relative, frame, strict=True)
    for at, row, is_share, is_frame in rows:
        if not is_frame:
            (shares if is_share else pixels)[at] = row
    return draft.set_annotations(
        bbox=pd.Series(pixels, index=draft.annotations.index, dtype=object),
        bbox_relative=pd.Series(shares, index=draft.annotations.index, dtype=object),
    )


def _drop(draft: Draft, has: np.ndarray, faults: np.ndarray, found: pd.Series) -> Draft:
    reasons = np.full(len(draft.annotations), "", dtype=object)
    reasons[has] = faults
    reason_of = pd.Series(reasons, index=found.index)
    for reason in sorted(set(faults) - {""}):
        now = reason_of.reindex(draft.annotations.index) == reason
        detail = found.reindex(draft.annotations.index).where(now).map(str, na_action="ignore")
        draft = draft.drop_annotations(now, reason, detail)
    return draft


def _mask(positions: np.ndarray, length: int) -> np.ndarray:
    mask = np.zeros(length, dtype=bool)
    mask[positions] = True
    return mask
