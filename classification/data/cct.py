"""COCO Camera Traps JSON, read into tables and written back.

Format: https://lila.science/coco-camera-traps and MegaDetector's data_management/README.md. Ids and
locations become text whatever they were in the file (older sets hold integers), back slashes in
file names become slashes, ``date_captured`` fills a missing ``datetime``.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from classification.errors import FieldmarkError
from classification.files import atomic_open, read_json
from classification.paths import is_safe_name

UNLABELLED = "unlabelled"
"""Category of an annotation that nobody has labelled yet; a blank label in the tables to come."""

_IMAGE_TEXT = ("id", "file_name", "datetime", "seq_id", "location")
_IMAGE_NUMBER = ("width", "height", "seq_num_frames", "frame_num")
_ANNOTATION_TEXT = ("id", "image_id")
_ANNOTATION_NUMBER = ("category_id", "confidence")
_ANNOTATION_BOOL = ("sequence_level_annotation", "validated")
_BOXES = ("bbox", "bbox_relative")
_WHOLE = {"width", "height", "seq_num_frames", "frame_num", "category_id"}
_EXAMPLES = 3


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
    images = _images(value.pop("images"))
    annotations, bad = _annotations(value.pop("annotations"))
    categories, bad_categories = _categories(value.pop("categories"))
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
        found += _count(f"duplicate ids in {name}", ids[ids.duplicated()])
    for column, table in (("image_id", "images"), ("category_id", "categories")):
        wanted = cct.annotations[column]
        unknown = wanted[~wanted.isin(getattr(cct, table)["id"])]
        found += _count(f"annotations whose {column} is not in {table}", unknown)
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
                for number, record in enumerate(_records(table)):
                    f.write(("\n" if number == 0 else ",\n") + encode(record))
                f.write("\n]")
            f.write("}\n")
    except ValueError as error:
        raise FieldmarkError(
            f"cannot write {path}: a value is not JSON ({error}). Drop boxes that hold NaN first."
        ) from error


def bare_cct(file_names: Iterable[str]) -> Cct:
    """A dataset of images that nobody has annotated; a file name is its image's id."""
    images = _images([{"id": name, "file_name": name} for name in file_names])
    return Cct(
        info={}, images=images, annotations=_annotations([])[0], categories=_categories([])[0]
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
        problems += _count(f"{table} without {key!r} (positions)", at)
    return problems


def _unsafe_names(file_names: pd.Series) -> list[str]:
    suspect = file_names[file_names.str.contains(r"^/|^[A-Za-z]:|\.\.|^$|\x00", regex=True)]
    unsafe = [n for n in suspect if not is_safe_name(n)]
    return _count("file names that are empty, absolute or leave the folder", unsafe)


def _count(what: str, values: Iterable[Any]) -> list[str]:
    values = list(values)
    if not values:
        return []
    more = ", ..." if len(values) > _EXAMPLES else ""
    return [f"{len(values)} {what}: {', '.join(map(repr, values[:_EXAMPLES]))}{more}"]


def _images(records: list[dict[str, Any]]) -> pd.DataFrame:
    table = _table(records, text=_IMAGE_TEXT, number=_IMAGE_NUMBER)
    if "date_captured" in table:
        captured = pd.Series([_text(v) for v in table["date_captured"]], dtype="str")
        table["datetime"] = table["datetime"].fillna(captured)
        table = table.drop(columns="date_captured")
    table["file_name"] = table["file_name"].str.replace("\\", "/", regex=False)
    return table


def _annotations(records: list[dict[str, Any]]) -> tuple[pd.DataFrame, list[str]]:
    table = _table(
        records,
        text=_ANNOTATION_TEXT,
        number=_ANNOTATION_NUMBER,
        boolean=_ANNOTATION_BOOL,
        other=_BOXES,
    )
    return _whole_ids(table, "category_id", "annotations", records)


def _categories(records: list[dict[str, Any]]) -> tuple[pd.DataFrame, list[str]]:
    return _whole_ids(_table(records, text=("name",), number=("id",)), "id", "categories", records)


def _whole_ids(
    table: pd.DataFrame, column: str, what: str, records: list[dict[str, Any]]
) -> tuple[pd.DataFrame, list[str]]:
    bad = table[column].isna() | (table[column] % 1 != 0)
    if bad.any():
        values = [records[i][column] for i in bad.to_numpy().nonzero()[0]]
        return table, _count(f"{what} whose {column} is not a whole number", values)
    table[column] = table[column].astype("int64")
    return table, []


def _table(
    records: list[dict[str, Any]],
    *,
    text: Sequence[str],
    number: Sequence[str],
    boolean: Sequence[str] = (),
    other: Sequence[str] = (),
) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    found = dict.fromkeys(key for record in records for key in record)
    for key in dict.fromkeys((*text, *number, *boolean, *other, *found)):
        values = [record.get(key) for record in records]
        if key in text:
            columns[key] = pd.Series([_text(v) for v in values], dtype="str")
        elif key in number:
            columns[key] = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").astype(
                "float64"
            )
        elif key in boolean:
            columns[key] = pd.Series([_flag(v) for v in values], dtype="boolean")
        else:  # as found: an int column with gaps must not turn into floats
            columns[key] = pd.Series(values, dtype=object)
    return pd.DataFrame({"id": columns.pop("id"), **columns})


def _text(value: Any) -> str | None:
    if type(value) is str:
        return value
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
    return None if value is None else bool(value)


def _records(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    columns = [_plain(table[name], whole=name in _WHOLE) for name in table.columns]
    keys = [str(name) for name in table.columns]
    for row in zip(*columns, strict=True):
        yield {key: v for key, v in zip(keys, row, strict=True) if v is not None}


def _plain(column: pd.Series, *, whole: bool) -> list[Any]:
    values = column.astype(object).where(column.notna(), None).tolist()
    if not whole:
        return values
    return [int(v) if isinstance(v, float) and v.is_integer() else v for v in values]
