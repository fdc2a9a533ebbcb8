"""A dataset's own JSON: fetched, and read as rows of the table of all images."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from classification.data.cct import Cct, load_cct
from classification.data.lila.cache import Cache
from classification.data.lila.catalog import Dataset
from classification.data.lila.table import COLUMNS, DATETIME

# What datasets write beside ISO 8601: EXIF style, and American spreadsheets.
_FORMATS = ("ISO8601", "%Y:%m:%d %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M")


def fetch_metadata(dataset: Dataset, cache: Cache) -> Path:
    """The dataset's COCO Camera Traps JSON, unzipped, on disk."""
    what = f"metadata of {dataset.name}"
    return cache.unzipped(cache.get(dataset.metadata, what=what, folder=dataset.slug), what=what)


def fetch_boxes(dataset: Dataset, cache: Cache) -> Path | None:
    """The same with boxes, where it is published apart."""
    if not dataset.boxes:
        return None
    what = f"boxes of {dataset.name}"
    return cache.unzipped(cache.get(dataset.boxes, what=what, folder=dataset.slug), what=what)


def metadata_rows(dataset: Dataset, path: Path, *, clouds: Sequence[str]) -> pa.Table:
    """The dataset as it stands in the table of all images: a row per image and label.

    Images that nobody labelled are left out, as in that table.
    """
    cct = load_cct(path)
    labels = _labels(cct)
    rows = labels.merge(cct.images, left_on="image_id", right_on="id", sort=False)
    prefix = f"{dataset.name} : "
    names = rows["file_name"]
    table = {
        "dataset_name": pd.Series(dataset.name, index=rows.index),
        "image_id": prefix + rows["image_id"],
        "sequence_id": prefix + rows["seq_id"].fillna("unknown"),
        "location_id": (prefix + rows["location"]).fillna(dataset.name),
        "frame_num": rows["frame_num"].fillna(-1).astype("int64").astype("str"),
        "original_label": rows["label"],
        "datetime": _datetimes(rows["datetime"]),
        "annotation_level": rows["level"],
    }
    for cloud, base in zip(clouds, (*dataset.images, "", "", ""), strict=False):
        table[f"url_{cloud}"] = f"{base}/" + names if base else pd.Series("", index=rows.index)
    for column in COLUMNS:
        table.setdefault(column, pd.Series("", index=rows.index))
    schema = pa.schema([(column, pa.string()) for column in COLUMNS])
    return pa.Table.from_pandas(
        pd.DataFrame(table)[list(COLUMNS)], schema=schema, preserve_index=False
    )


def _labels(cct: Cct) -> pd.DataFrame:
    """image_id, label, level: one row per image and label, images together."""
    level = cct.annotations["sequence_level_annotation"].map({True: "sequence", False: "image"})
    table = pd.DataFrame(
        {
            "image_id": cct.annotations["image_id"],
            "label": cct.names.str.lower().str.strip(),
            "level": level.astype("str").fillna("unknown"),
        }
    )
    return table.dropna().drop_duplicates(["image_id", "label"]).sort_values("image_id")


def _datetimes(texts: pd.Series) -> pd.Series:
    when = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    for form in _FORMATS:
        missing = when.isna() & texts.notna()
        if missing.any():
            parsed = pd.to_datetime(texts[missing], format=form, errors="coerce", utc=True)
            when.loc[missing] = parsed.dt.tz_localize(None).astype("datetime64[us]")
    return when.dt.strftime(DATETIME).fillna("")
