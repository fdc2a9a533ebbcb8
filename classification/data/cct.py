"""COCO Camera Traps JSON, read into tables and written back.

Format: https://lila.science/coco-camera-traps and MegaDetector's data_management/README.md. Ids and
locations become text whatever they were in the file (older sets hold integers), back slashes in
file names become slashes, ``date_captured`` fills a missing ``datetime``.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from classification.data.cct_records import (
    annotation_table,
    category_table,
    count_faults,
    image_table,
    table_records,
)
from classification.errors import FieldmarkError
from classification.files import atomic_open, read_json
from classification.paths import is_safe_name

UNLABELLED = "unlabelled"
"""Category of an annotation that nobody has labelled yet; a blank label in the tables to come."""


@dataclass(frozen=True, kw_only=True)
class Cct:
    """One dataset. Missing standard columns are there and hold NA; other columns are as found.

    images: id, file_name (text); width, height (float, pixels), datetime, seq_id, location (text),
        seq_num_frames, frame_num (float).
    annotations: id, image_id (text), category_id (int); bbox ([x, y, width, height] in absolute
        pixels, or None), bbox_relative (the same in 0..1), sequence_level_annotation, validated
        (boolean with NA), confidence (float).
    categories: id (int), name (text).
    """

    info: dict[str, Any]
    images: pd.DataFrame
    annotations: pd.DataFrame
    categories: pd.DataFrame

    @property
    def names(self) -> pd.Series:
        """Category name of each annotation; NA where the category is unknown."""
        return self.annotations["category_id"].map(self.categories.set_index("id")["name"])


def read_cct(path: Path) -> Cct:
    """Read a sound dataset: unique ids, no dangling references, at least one image.

    Args:
        path: JSON, or a zip that holds one JSON; NaN is read as missing.

    Raises:
        FieldmarkError: everything that is wrong with the file, counted, with examples.
    """
    cct = load_cct(path)
    if problems := faults(cct):
        raise FieldmarkError.from_problems(
            f"{path} is not a sound COCO Camera Traps file "
            "(utils/combine_datasets.py drops such items with a report):",
            problems,
        )
    return cct


def load_cct(path: Path) -> Cct:
    """Read a dataset whose ids may clash or dangle, as the cleaning step does.

    Raises:
        FieldmarkError: not a CCT file, no images, required keys missing, unsafe file names.
    """
    value = read_json(path, what="COCO Camera Traps file")
    problems = _shape_problems(value)
    if problems:
        raise FieldmarkError.from_problems(f"{path} is not a COCO Camera Traps file:", problems)
    for table, keys in (
        ("images", ("id", "file_name")),
        ("annotations", ("id", "image_id", "category_id")),
        ("categories", ("id", "name")),
    ):
        problems += _missing_keys(table, value[table], keys)
    if problems:
        raise FieldmarkError.from_problems(f"{path} lacks required keys:", problems)
    # pop: a million records as dicts weigh more than the tables made of them
    images = image_table(value.pop("images"))
    annotations, bad = annotation_table(value.pop("annotations"))
    categories, bad_categories = category_table(value.pop("categories"))
    problems = bad + bad_categories + _unsafe_names(images["file_name"])
    if problems:
        raise FieldmarkError.from_problems(f"{path} cannot be used:", problems)
    return Cct(
        info=value.get("info") or {},
        images=images,
        annotations=annotations,
        categories=categories,
    )


def faults(cct: Cct) -> list[str]:
    """Duplicate ids and dangling references, one line each, counted, with examples."""
    found = []
    for name in ("images", "annotations", "categories"):
        ids = getattr(cct, name)["id"]
        found += count_faults(f"duplicate ids in {name}", ids[ids.duplicated()])
    for column, table in (("image_id", "images"), ("category_id", "categories")):
        wanted = cct.annotations[column]
        unknown = wanted[~wanted.isin(getattr(cct, table)["id"])]
        found += count_faults(f"annotations whose {column} is not in {table}", unknown)
    return found


def write_cct(path: Path, cct: Cct) -> None:
    """Write a dataset as JSON, one record per line, missing values left out, atomically.

    Raises:
        FieldmarkError: a box or another nested value holds NaN, which JSON cannot.
    """
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    tables = {"images": cct.images, "annotations": cct.annotations, "categories": cct.categories}
    try:
        with atomic_open(path) as f:
            f.write('{"info": ' + encode(cct.info))
            for name, table in tables.items():
                f.write(f',\n"{name}": [')
                for number, record in enumerate(table_records(table)):
                    f.write(("\n" if number == 0 else ",\n") + encode(record))
                f.write("\n]")
            f.write("}\n")
    except ValueError as error:
        raise FieldmarkError(
            f"cannot write {path}: a value is not JSON ({error}). Drop boxes that hold NaN first."
        ) from error


def bare_cct(file_names: Iterable[str]) -> Cct:
    """A dataset of images that nobody has annotated; a file name is its image's id."""
    images = image_table([{"id": name, "file_name": name} for name in file_names])
    return Cct(
        info={},
        images=images,
        annotations=annotation_table([])[0],
        categories=category_table([])[0],
    )


def _shape_problems(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return [f"the top level is a {type(value).__name__}, not an object"]
    if "detection_categories" in value:
        return ["these are MegaDetector results: give them to combine_datasets.py --md-results"]
    problems = []
    for key in ("images", "annotations", "categories"):
        if key not in value:
            has = ", ".join(sorted(value)) or "no keys"
            problems.append(f"{key!r} is missing (the file has {has})")
        elif not isinstance(value[key], list) or not all(isinstance(r, dict) for r in value[key]):
            problems.append(f"{key!r} is not a list of objects")
    if not problems and not value["images"]:
        problems.append("'images' is empty: there is nothing to work on")
    return problems


def _missing_keys(table: str, records: list[dict[str, Any]], keys: Sequence[str]) -> list[str]:
    problems = []
    for key in keys:
        at = [number for number, record in enumerate(records) if record.get(key) is None]
        problems += count_faults(f"{table} without {key!r} (positions)", at)
    return problems


def _unsafe_names(file_names: pd.Series) -> list[str]:
    suspect = file_names[file_names.str.contains(r"^/|^[A-Za-z]:|\.\.|^$|\x00", regex=True)]
    unsafe = [n for n in suspect if not is_safe_name(n)]
    return count_faults("file names that are empty, absolute or leave the folder", unsafe)
