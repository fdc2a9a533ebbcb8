"""Predictions as MegaDetector recognition JSON, which Timelapse reads to filter by confidence.

Format: https://lila.science/megadetector-output-format, version 1.6: per image the boxes, and per
box its classes with their confidence, descending.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classification.files import atomic_open

if TYPE_CHECKING:
    import pandas as pd

DETECTIONS = {"1": "animal", "2": "person", "3": "vehicle"}
WHOLE = (0.0, 0.0, 1.0, 1.0)

_LEAST = 0.001  # Timelapse shows three decimals and drops what is below 0.03
_NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_BOX = re.compile(
    rf"\[({_NUMBER}), ({_NUMBER}), ({_NUMBER}), ({_NUMBER})\]"
    rf"(?: of (?:(the image)|({_NUMBER}) x ({_NUMBER})))?"
)


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where in which image an item is.

    Attributes:
        file: image, relative to its folder, with forward slashes.
        bbox: x, y, width, height as shares (0..1) of the image.
        confidence: of the detection, 0..1.
    """

    file: str
    bbox: tuple[float, float, float, float]
    confidence: float


def boxes_of(items: Sequence[str], crops: "pd.DataFrame", confidence: Sequence[float]) -> list[Box]:
    """The box of each crop.

    Args:
        items: crop paths [N].
        crops: the crop table (`schemas.CropTable`), which holds a row for each.
        confidence: of the boxes [N].
    """
    table = crops[crops["path"].notna()].set_index("path").reindex(list(items))
    sizes = table[["source_width", "source_height"]].astype(float).to_numpy()
    texts = table["box"].fillna("whole") if "box" in table else ["whole"] * len(table)
    return [
        Box(file=str(file), bbox=relative_box(str(text), width, height), confidence=float(conf))
        for file, text, (width, height), conf in zip(
            table["source"].fillna("").where(table["source"].notna(), items),
            texts,
            sizes.tolist(),
            confidence,
            strict=True,
        )
    ]


def relative_box(text: str, width: float, height: float) -> tuple[float, float, float, float]:
    """A box of the crop table as shares of the image, clipped to it.

    Args:
        text: ``[x, y, width, height]``, of the image or in pixels of the size behind it, or whole.
        width: of the image in pixels, for a box in pixels without a size.
        height: likewise.
    """
    found = _BOX.fullmatch(text)
    if found is None:
        return WHOLE
    x, y, w, h = (float(found[i]) for i in range(1, 5))
    across, down = (1.0, 1.0) if found[5] else (float(found[6] or width), float(found[7] or height))
    left, right = (min(max(v / across, 0.0), 1.0) for v in (x, x + w))
    top, bottom = (min(max(v / down, 0.0), 1.0) for v in (y, y + h))
    return tuple(round(v, 5) for v in (left, top, right - left, bottom - top))  # type: ignore[return-value]


def write_recognitions(
    path: Path,
    boxes: Sequence[Box],
    probs: NDArray[np.float32],
    *,
    classes: Sequence[str],
    classifier: str,
    failures: Mapping[str, str] | None = None,
) -> None:
    """Write recognitions, atomically, images in order of name.

    Args:
        path: the JSON.
        boxes: where each item is [N]; several may be in one image.
        probs: float32 [N, C].
        classes: C names.
        classifier: what the model is called.
        failures: reason per image that could not be read.
    """
    ids = _category_ids(classes)
    order = np.argsort(-probs, axis=1, kind="stable")
    images: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for box, row, best in zip(boxes, probs, order, strict=True):
        named = [[ids[k], round(float(row[k]), 4)] for k in best if row[k] >= _LEAST]
        images[box.file].append(
            {
                "category": "1",
                "conf": round(box.confidence, 4),
                "bbox": list(box.bbox),
                "classifications": named,
            }
        )
    records: dict[str, dict[str, Any]] = {
        file: {"file": file, "detections": found} for file, found in images.items()
    }
    for file, reason in (failures or {}).items():
        records[file] = {"file": file, "failure": reason, "detections": None}
    head = {
        "info": {
            "format_version": "1.6",
            "detector": "boxes of the dataset",
            "classifier": classifier,
            "classification_completion_time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        },
        "detection_categories": DETECTIONS,
        "classification_categories": {ids[k]: classes[k] for k in sorted(ids, key=ids.__getitem__)},
    }
    _write(path, head, [records[file] for file in sorted(records)])


def _category_ids(classes: Sequence[str]) -> dict[int, str]:
    """Id per class, from "1"; "0" means empty to Timelapse.

    Names that are detection categories, too, come last: Timelapse refuses a file whose first class
    is one.
    """
    taken = set(DETECTIONS.values())
    order = sorted(range(len(classes)), key=lambda k: classes[k] in taken)
    return {k: str(number) for number, k in enumerate(order, 1)}


def _write(path: Path, head: dict[str, Any], images: list[dict[str, Any]]) -> None:
    """One image per line, so that a million of them are neither one string nor one line."""
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    with atomic_open(path) as f:
        f.write(encode(head)[:-1] + ', "images": [')
        for number, image in enumerate(images):
            f.write(("\n" if number == 0 else ",\n") + encode(image))
        f.write("\n]}\n")
