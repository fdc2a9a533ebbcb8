"""Records of COCO Camera Traps JSON to typed tables and back."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

_IMAGE_TEXT = ("id", "file_name", "datetime", "seq_id", "location")
_IMAGE_NUMBER = ("width", "height", "seq_num_frames", "frame_num")
_ANNOTATION_TEXT = ("id", "image_id")
_ANNOTATION_NUMBER = ("category_id", "confidence")
_ANNOTATION_BOOL = ("sequence_level_annotation", "validated")
_BOXES = ("bbox", "bbox_relative")
_WHOLE = {"width", "height", "seq_num_frames", "frame_num", "category_id"}
_EXAMPLES = 3

Records = list[dict[str, Any]]


def image_table(records: Records) -> pd.DataFrame:
    """`Cct.images` out of records that all have ``id`` and ``file_name``."""
    table = _table(records, text=_IMAGE_TEXT, number=_IMAGE_NUMBER)
    if "date_captured" in table:
        captured = pd.Series([_text(v) for v in table["date_captured"]], dtype="str")
        table["datetime"] = table["datetime"].fillna(captured)
        table = table.drop(columns="date_captured")
    table["file_name"] = table["file_name"].str.replace("\\", "/", regex=False)
    return table


def annotation_table(records: Records) -> tuple[pd.DataFrame, list[str]]:
    """`Cct.annotations` out of records that have the required keys, and their faults."""
    table = _table(
        records,
        text=_ANNOTATION_TEXT,
        number=_ANNOTATION_NUMBER,
        boolean=_ANNOTATION_BOOL,
        other=_BOXES,
    )
    return _whole_ids(table, "category_id", "annotations", records)


def category_table(records: Records) -> tuple[pd.DataFrame, list[str]]:
    """`Cct.categories` out of records that have the required keys, and their faults."""
    return _whole_ids(_table(records, text=("name",), number=("id",)), "id", "categories", records)


def table_records(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of a table as records, without what is missing; numbers that count are whole."""
    columns = [_plain(table[name], whole=name in _WHOLE) for name in table.columns]
    keys = [str(name) for name in table.columns]
    for row in zip(*columns, strict=True):
        yield {key: v for key, v in zip(keys, row, strict=True) if v is not None}


def count_faults(what: str, values: Iterable[Any]) -> list[str]:
    """One line that counts `values` and shows the first; no line where there are none."""
    values = list(values)
    if not values:
        return []
    more = ", ..." if len(values) > _EXAMPLES else ""
    return [f"{len(values)} {what}: {', '.join(map(repr, values[:_EXAMPLES]))}{more}"]


def _whole_ids(
    table: pd.DataFrame, column: str, what: str, records: Records
) -> tuple[pd.DataFrame, list[str]]:
    bad = table[column].isna() | (table[column] % 1 != 0)
    if bad.any():
        values = [records[i][column] for i in bad.to_numpy().nonzero()[0]]
        return table, count_faults(f"{what} whose {column} is not a whole number", values)
    table[column] = table[column].astype("int64")
    return table, []


def _table(
    records: Records,
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
            numbers = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce")
            columns[key] = numbers.astype("float64")
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


def _plain(column: pd.Series, *, whole: bool) -> list[Any]:
    values = column.astype(object).where(column.notna(), None).tolist()
    if not whole:
        return values
    return [int(v) if isinstance(v, float) and v.is_integer() else v for v in values]
