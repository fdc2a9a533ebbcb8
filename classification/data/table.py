"""``classification_ds.csv``: one row per crop that can be trained on."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from classification.data.labels import LabelRules, apply_labels
from classification.errors import FieldmarkError
from classification.schemas import ClassificationTable, read_csv

if TYPE_CHECKING:
    import pandas as pd

    from classification.data.cct import Cct

GroupBy = Literal["location", "sequence", "image"]
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class BuiltTable:
    """table: the rows, checked by `ClassificationTable` when written. notes: for the user."""

    table: "pd.DataFrame"
    notes: list[str]


def read_table(path: Path) -> "pd.DataFrame":
    """Read and check a classification table.

    Returns:
        Columns of `schemas.ClassificationTable`; ids and locations are strings, an empty cell is
        a missing value.

    Raises:
        FieldmarkError: the file is missing or breaks the schema; all faults in one error.
    """
    return read_csv(path, ClassificationTable, what="classification table")


def burst_ids(table: "pd.DataFrame") -> NDArray[np.int64]:
    """Number of each row's burst, int64 [N]: the sequence where it is known, else the image."""
    import pandas as pd

    burst = table["seq_id"].fillna("image:" + table["image_id"])
    return pd.factorize(table["dataset"] + "/" + burst)[0].astype(np.int64)


def location_ids(table: "pd.DataFrame") -> NDArray[np.int64] | None:
    """Number of the camera location of each row, int64 [N]; None where no row has one.

    A row without a location counts as a place of its own burst.
    """
    import pandas as pd

    known = table["location"].notna()
    if not known.any():
        return None
    place = table["dataset"] + "/" + table["location"].where(known, table["group"])
    return pd.factorize(place)[0].astype(np.int64)


def build_table(
    cct: "Cct", crops: "pd.DataFrame", *, dataset: str, group_by: GroupBy, rules: LabelRules
) -> BuiltTable:
    """Join crops, annotations and images into one row per crop.

    Args:
        cct: the dataset that was cropped.
        crops: the crop table (`schemas.CropTable`); rejects are left out.
        dataset: name of the dataset for images that have no ``dataset`` of their own.
        group_by: what splits keep together; "location" falls back to the sequence, then to the
            image, where it is unknown.
        rules: which labels there are.

    Raises:
        FieldmarkError: the crop table is of another dataset, nothing is left, or `rules` name
            classes that do not exist.
    """
    kept = crops[crops["status"] != "reject"].reset_index(drop=True)
    annotations = _lookup(cct.annotations.assign(dataset_class=cct.names), kept["annotation_id"])
    images = _lookup(cct.images, kept["image_id"])
    _require_found(kept, annotations["id"].notna() & images["id"].notna())
    table = kept[["path"]].assign(
        dataset=_dataset(images, dataset),
        location=images["location"],
        dataset_class=annotations["dataset_class"],
        confidence=_confidence(annotations),
        label=annotations["dataset_class"],
        image_id=kept["image_id"],
        annotation_id=kept["annotation_id"],
        seq_id=images["seq_id"],
        datetime=images["datetime"],
        sha256=kept["sha256"],
    )
    table.insert(10, "group", group_of(table, group_by))
    table, notes = apply_labels(table, rules)
    rejected = len(crops) - len(kept)
    if rejected:
        notes.insert(0, f"{rejected} annotations have no crop (see the reasons in the crop table)")
    notes += _contradictions(table)
    return BuiltTable(table=table.reset_index(drop=True), notes=notes)


def group_of(table: "pd.DataFrame", group_by: GroupBy) -> "pd.Series":
    """What a split keeps together: the location, ``sequence:<seq_id>`` or ``image:<image_id>``."""
    image = "image:" + table["image_id"]
    if group_by == "image":
        return image
    sequence = ("sequence:" + table["seq_id"]).fillna(image)
    return sequence if group_by == "sequence" else table["location"].fillna(sequence)


def require_crops(table: "pd.DataFrame", crops: Path) -> None:
    """Check that every crop of the table is a file.

    Raises:
        FieldmarkError: the folder or some of the files are missing, counted and named.
    """
    if not crops.is_dir():
        raise FieldmarkError(
            f"crops folder not found: {crops}. Make it with utils/crop_detections.py, or name it "
            "with --crops-dir."
        )
    there = set(_files(str(crops)))
    missing = table.loc[[path not in there for path in table["path"]], "path"]
    if len(missing):
        whose = (
            "None of the names match: these are the crops of another dataset. Correct --crops-dir."
            if len(missing) == len(table)
            else "Run utils/crop_detections.py again, it makes what is missing."
        )
        raise FieldmarkError.from_problems(
            f"{len(missing)} of {len(table)} crops are not in {crops}. {whose} Missing:",
            missing.head(_SHOWN).tolist(),
        )


def _files(folder: str, prefix: str = "") -> Iterator[str]:
    """All files under `folder`, relative, with slashes; far faster than asking for each."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path, f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name


def _lookup(table: "pd.DataFrame", ids: "pd.Series") -> "pd.DataFrame":
    """The row of each id, in their order; a row of missing values where there is none."""
    return table.set_index("id", drop=False).reindex(ids).reset_index(drop=True)


def _require_found(crops: "pd.DataFrame", found: "pd.Series") -> None:
    if crops.empty:
        raise FieldmarkError(
            "the crop table holds no crop: every annotation was rejected. Look at the reasons in "
            "it, mend the images or boxes and run utils/crop_detections.py again."
        )
    if not found.all():
        raise FieldmarkError.from_problems(
            f"{int((~found).sum())} of {len(crops)} crops belong to no annotation of --cct-json: "
            "they were made from another dataset, or from another version of it. Give the JSON "
            "that utils/crop_detections.py was given, or run that step again. Such as:",
            crops.loc[~found, "path"].head(_SHOWN).tolist(),
        )


def _dataset(images: "pd.DataFrame", name: str) -> "pd.Series":
    import pandas as pd

    if "dataset" not in images:
        return pd.Series(name, index=images.index, dtype="str")
    return images["dataset"].astype("str").fillna(name)


def _confidence(annotations: "pd.DataFrame") -> "pd.Series":
    """1.0 where a person drew or confirmed the box, the detector's confidence otherwise."""
    by_person = annotations["confidence"].isna() | annotations["validated"].fillna(False)
    return annotations["confidence"].where(~by_person.astype(bool), 1.0)


def _contradictions(table: "pd.DataFrame") -> list[str]:
    """Crops with the same pixels and different labels: a note, since only a person can decide."""
    labels = table.groupby("sha256")["label"].nunique()
    hashes = labels.index[labels > 1]
    if not len(hashes):
        return []
    example = table.loc[table["sha256"] == hashes[0], ["path", "label"]].head(2)
    shown = " and ".join(f"{path} ({label})" for path, label in example.itertuples(index=False))
    return [f"{len(hashes)} pictures have more than one label, such as {shown}"]
