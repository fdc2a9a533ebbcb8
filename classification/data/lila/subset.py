"""A selection of LILA as a COCO Camera Traps dataset, with the addresses of its images."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import pandas as pd

from classification.data.cct import Cct
from classification.data.lila.boxes import BoxedImage, BoxFile, class_of_box
from classification.data.lila.catalog import Dataset, slug_of
from classification.data.lila.select import SEPARATOR
from classification.data.lila.table import DATETIME
from classification.data.lila.taxa import EMPTY

_LEVEL = {"sequence": True, "image": False}


@dataclass
class BoxCounts:
    """What became of the boxes of the images chosen."""

    images: int = 0
    boxes: int = 0
    other_class: int = 0
    """Boxes of something that was not asked for, or that nobody can tell."""


@dataclass(frozen=True, kw_only=True)
class Subset:
    """What a selection writes."""

    cct: Cct
    sources: pd.DataFrame
    """file_name, url_1, ...: mirrors in order of preference."""
    boxes: BoxCounts = field(default_factory=BoxCounts)


def subset(
    rows: pd.DataFrame,
    datasets: Sequence[Dataset],
    boxes: Mapping[str, BoxFile],
    *,
    clouds: Sequence[str],
    info: dict[str, Any],
) -> Subset:
    """Make the dataset.

    Args:
        rows: images chosen, as from `choose`.
        datasets: where their names and base addresses come from.
        boxes: box file per dataset name, where there is one.
        clouds: gcp, aws, azure in order of preference.
        info: goes into the JSON.
    """
    places = {dataset.name: dataset for dataset in datasets}
    raw = [
        _raw_name(urls, places.get(name))
        for name, *urls in rows[["dataset_name", *(f"url_{c}" for c in clouds)]].itertuples(
            index=False, name=None
        )
    ]
    slugs = {n: places[n].slug if n in places else slug_of(n) for n in set(rows["dataset_name"])}
    folder = rows["dataset_name"].map(slugs)
    files = folder + "/" + pd.Series(raw, index=rows.index, dtype="str")
    names = sorted({c for text in rows["classes"] for c in text.split(SEPARATOR)} - {EMPTY})
    ids = {name: number for number, name in enumerate([EMPTY, *names])}  # 0 is kept for empty
    counts = BoxCounts()
    entries = [
        boxes[dataset].find(image_id.partition(" : ")[2], name) if dataset in boxes else None
        for dataset, image_id, name in zip(rows["dataset_name"], rows["image_id"], raw, strict=True)
    ]
    annotations = pd.DataFrame(
        _annotations(rows, entries, boxes, ids, counts),
        columns=["id", "image_id", "category_id", "sequence_level_annotation", "original_label",
                 "bbox", "bbox_relative"],
    )  # fmt: skip
    categories = pd.DataFrame({"id": list(ids.values()), "name": list(ids)})
    return Subset(
        cct=Cct(
            info=info,
            images=_images(rows, folder, files, entries),
            annotations=annotations,
            categories=categories,
        ),
        sources=_sources(rows, files, clouds),
        boxes=counts,
    )


def _images(
    rows: pd.DataFrame, folder: pd.Series, files: pd.Series, entries: list[BoxedImage | None]
) -> pd.DataFrame:
    when = pd.to_datetime(rows["datetime"], format=DATETIME, errors="coerce")
    frame = pd.to_numeric(rows["frame_num"], errors="coerce")
    return pd.DataFrame(
        {
            "id": rows["image_id"],
            "file_name": files,
            "width": [entry.width if entry else None for entry in entries],
            "height": [entry.height if entry else None for entry in entries],
            "datetime": when.dt.strftime("%Y-%m-%d %H:%M:%S"),
            "seq_id": rows["sequence"],
            "frame_num": frame.where(frame >= 0),
            "location": rows["location"],
            "dataset": folder,
        }
    )


def _annotations(
    rows: pd.DataFrame,
    entries: list[BoxedImage | None],
    boxes: Mapping[str, BoxFile],
    ids: Mapping[str, int],
    counts: BoxCounts,
) -> Iterator[tuple[Any, ...]]:
    """One per box of a class asked for, else one per class of the image."""
    columns = rows[["dataset_name", "image_id", "labels", "classes", "annotation_level"]]
    for entry, row in zip(entries, columns.itertuples(index=False, name=None), strict=True):
        dataset, image_id, labels, classes, level = row
        of_label = dict(zip(labels.split(SEPARATOR), classes.split(SEPARATOR), strict=True))
        number = 0
        for box in entry.boxes if entry else ():
            one = boxes[dataset].one_category
            name = class_of_box(box.label, of_label, one_category=one)
            if name is None or name == EMPTY:
                counts.other_class += 1
                continue
            key = _annotation_id(image_id, number)
            number += 1
            yield key, image_id, ids[name], False, box.label, box.absolute, box.relative
        counts.boxes += number
        counts.images += number > 0
        if not number:
            label_of = {name: label for label, name in of_label.items()}
            for number, (name, label) in enumerate(label_of.items()):
                key = _annotation_id(image_id, number)
                yield key, image_id, ids[name], _LEVEL.get(level), label, None, None


def _annotation_id(image_id: str, number: int) -> str:
    """Short, the same in every run, and fit for the name of a crop."""
    return hashlib.sha256(f"{image_id}#{number}".encode()).hexdigest()[:16]


def _sources(rows: pd.DataFrame, files: pd.Series, clouds: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame({"file_name": files})
    for number, cloud in enumerate(clouds, start=1):
        table[f"url_{number}"] = [_quoted(url) for url in rows[f"url_{cloud}"]]
    return table.drop_duplicates("file_name")


def _raw_name(urls: Sequence[str], dataset: Dataset | None) -> str:
    """File name inside its dataset: what follows the dataset's base address."""
    for base in dataset.images if dataset else ():
        for url in urls:
            if url.startswith(f"{base}/"):
                return url[len(base) + 1 :]
    return urlsplit(next((url for url in urls if url), "")).path.lstrip("/")


def _quoted(url: str) -> str | None:
    """LILA writes base + '/' + file name as it is: spaces, '#' and '?' belong to the name."""
    if "://" not in url or url.startswith("s3://"):
        return url or None
    scheme, rest = url.split("://", 1)
    host, _, path = rest.partition("/")
    return urlunsplit((scheme, host, "/" + quote(path, safe="/%"), "", ""))
