"""A small archive as the crop step leaves it: clean CCT, crops and crop table; and bare tables."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

from classification.files import sha256_file
from classification.paths import DatasetPaths, crop_name
from classification.schemas import CropTable, write_csv


@dataclass(frozen=True)
class Archive:
    paths: DatasetPaths
    cct: Path


def picture(seed: int) -> Image.Image:
    """A 48 px picture that looks like no other."""
    noise = np.random.default_rng(seed).integers(0, 255, (48, 48, 3)).astype(np.uint8)
    return Image.fromarray(noise).filter(ImageFilter.GaussianBlur(3))


def make_archive(
    root: Path,
    shown: Sequence[tuple[str | None, str]],
    *,
    annotation_fields: Mapping[int, Mapping[str, object]] | None = None,
    image_fields: Mapping[int, Mapping[str, object]] | None = None,
    pictures: Mapping[int, Image.Image] | None = None,
    first: int = 0,
) -> Archive:
    """One image with one box per (location, class) of `shown`.

    Args:
        root: ``data/processed/<name>``.
        shown: location (None: unknown) and class of each image.
        annotation_fields, image_fields: further fields, by number of the image.
        pictures: crops that shall not be random, by number of the image.
        first: number of the first image; numbers make ids, names and pictures.
    """
    paths = DatasetPaths(root)
    categories = {name: i for i, name in enumerate(dict.fromkeys(name for _, name in shown), 1)}
    images, annotations, crops = [], [], []
    for n, (location, name) in enumerate(shown, first):
        file = f"{location or 'nowhere'}/{n:04d}.jpg"
        image: dict[str, object] = {"id": f"i{n}", "file_name": file, "width": 640, "height": 480}
        image |= {"location": location} if location else {}
        image |= {"seq_id": f"s{n}", "datetime": "2024-05-06 07:08:09"}
        images.append(image | dict((image_fields or {}).get(n, {})))
        box: dict[str, object] = {"id": f"a{n}", "image_id": f"i{n}", "bbox": [1, 2, 30, 40]}
        box["category_id"] = categories[name]
        annotations.append(box | dict((annotation_fields or {}).get(n, {})))
        crop = paths.crops / crop_name(file, f"a{n}")
        crop.parent.mkdir(parents=True, exist_ok=True)
        (pictures or {}).get(n, picture(n)).save(crop, quality=90)
        crops.append(_crop_row(crop, paths, image, box))
    write_csv(paths.crop_table, pd.DataFrame(crops), CropTable)
    record = {
        "info": {"version": "1.0"},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": i, "name": name} for name, i in categories.items()],
    }
    cct = root / "clean_cct.json"
    cct.write_text(json.dumps(record))
    return Archive(paths=paths, cct=cct)


def make_table(rows: Sequence[tuple[str, str | None]], **columns: Iterable[object]) -> pd.DataFrame:
    """A classification table with one row per (location, label); `columns` replace its own."""
    numbers = [str(i) for i in range(len(rows))]
    locations = pd.Series([location for location, _ in rows], dtype="str")
    table = pd.DataFrame(
        {
            "path": [f"{n}.jpg" for n in numbers],
            "dataset": "d",
            "location": locations,
            "dataset_class": [label for _, label in rows],
            "confidence": 1.0,
            "label": pd.Series([label for _, label in rows], dtype="str"),
            "image_id": [f"i{n}" for n in numbers],
            "annotation_id": [f"a{n}" for n in numbers],
            "seq_id": [f"s{n}" for n in numbers],
            "datetime": None,
            "group": locations,
            "sha256": [f"h{n}" for n in numbers],
        }
    )
    for name, values in columns.items():
        table[name] = pd.Series(list(values))
    return table


def _crop_row(
    crop: Path, paths: DatasetPaths, image: Mapping[str, object], box: Mapping[str, object]
) -> dict[str, object]:
    return {
        "path": crop.relative_to(paths.crops).as_posix(),
        "image_id": image["id"],
        "annotation_id": box["id"],
        "status": "crop",
        "reason": None,
        "source": image["file_name"],
        "source_width": 640.0,
        "source_height": 480.0,
        "width": 48.0,
        "height": 48.0,
        "sha256": sha256_file(crop),
    }
