"""MegaDetector results as the source of boxes.

Format: MegaDetector's megadetector-output-format.md, versions 1.x: ``images`` of ``{file,
detections [{category, conf, bbox (relative)}], failure}``; a failed image has ``failure`` or no
detections (null or absent), one in which nothing was found has an empty list.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from classification.data.cct import UNLABELLED, Cct, bare_cct
from classification.data.clean.draft import Draft, box_values, ledger
from classification.data.clean.labels import EMPTY
from classification.errors import FieldmarkError
from classification.files import read_json
from classification.paths import is_safe_name

_COLUMNS = ["file", "number", "category", "confidence", "bbox"]
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a detector found.

    files: file (text), failure (text, NA where the image was searched).
    boxes: file, number (place among the file's detections), category (text), confidence,
        bbox (relative); only those at or above the threshold.
    below: number of detections below the threshold. detector: its name.
    """

    files: pd.DataFrame
    boxes: pd.DataFrame
    below: int
    detector: str


def read_results(path: Path, *, threshold: float) -> Results:
    """Read a results file.

    Raises:
        FieldmarkError: it is not one, or of a version other than 1.x.
    """
    value = read_json(path, what="MegaDetector results")
    problems = _problems(value)
    if problems:
        raise FieldmarkError.from_problems(f"{path} is not a MegaDetector results file:", problems)
    names = value["detection_categories"]
    files: dict[str, str | None] = {}
    boxes, below = [], 0
    for entry in value["images"]:
        file = str(entry["file"]).replace("\\", "/")
        if file in files:
            continue
        detections = entry.get("detections")
        files[file] = entry.get("failure") or ("no detections" if detections is None else None)
        for number, found in enumerate(detections or []):
            confidence = found.get("conf") or 0.0
            if confidence < threshold:
                below += 1
                continue
            category = str(found.get("category"))
            name = names.get(category, category)
            boxes.append((file, number, name, confidence, found.get("bbox")))
    return Results(
        files=pd.DataFrame({"file": files.keys(), "failure": files.values()}, dtype="str"),
        boxes=pd.DataFrame(boxes, columns=_COLUMNS).astype({"file": "str", "category": "str"}),
        below=below,
        detector=str(value.get("info", {}).get("detector", "detector")),
    )


def cct_of_results(results: Results) -> Cct:
    """A dataset of the images of a results file, for archives that have no annotations at all.

    Raises:
        FieldmarkError: file names are absolute.
    """
    unsafe = [name for name in results.files["file"] if not is_safe_name(name)]
    if unsafe:
        raise FieldmarkError(
            f"{len(unsafe)} file names in the MegaDetector results are not relative to the images "
            f"folder: {', '.join(unsafe[:_SHOWN])}. Give --cct, or run the detector again with "
            "--output_relative_filenames."
        )
    return bare_cct(results.files["file"])


def attach(
    draft: Draft, results: Results, *, categories: tuple[str, ...]
) -> tuple[Draft, pd.Index]:
    """Give boxes to the images that have none of their own.

    An image with one label gives it to its boxes; with several labels nobody knows which box is
    which, and with none nobody has looked: such boxes are unlabelled.

    Returns:
        The draft, and the keys of the images that the detector searched.

    Raises:
        FieldmarkError: none of the files is an image of the dataset.
    """
    key = _keys(draft, results.files["file"])
    if key.isna().all():
        raise FieldmarkError(
            "none of the files in the MegaDetector results is an image of the dataset: "
            f"{', '.join(results.files['file'].head(_SHOWN))} against "
            f"{', '.join(draft.images['source_file_name'].head(_SHOWN))}. Run the detector from "
            "the images folder, or give each results file its own dataset."
        )
    files = results.files.assign(image=key)[key.notna()].astype({"image": "int64"})
    failed = files["failure"].notna()
    draft = _drop_failures(draft, files[failed].set_index("image")["failure"])

    boxes = results.boxes.assign(image=_keys(draft, results.boxes["file"]))
    boxes = boxes[boxes["image"].notna()].astype({"image": "int64"})
    own = box_values(draft.annotations).notna()
    skipped = boxes["image"].isin(draft.annotations.loc[own, "image"])
    boxes = _annotations(draft, boxes[~skipped], results.detector)

    draft = draft.note(
        f"{results.detector}: {len(boxes)} boxes on {boxes['image'].nunique()} images; "
        f"{results.below} below the threshold, {int(skipped.sum())} on images with boxes of "
        f"their own, {int(key.isna().sum())} files that are not in the dataset"
    )
    return _take_labels(draft, boxes, categories), pd.Index(files.loc[~failed, "image"])


def _problems(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return [f"the top level is a {type(value).__name__}, not an object"]
    if "annotations" in value:
        return ["this is a COCO Camera Traps file: give it to --cct"]
    problems = []
    entries = value.get("images")
    if not isinstance(entries, list) or not entries:
        problems.append("'images' is missing or empty")
    elif not all(isinstance(entry, dict) and "file" in entry for entry in entries):
        problems.append("'images' holds entries without 'file'")
    if not isinstance(value.get("detection_categories"), dict):
        problems.append("'detection_categories' is missing")
    version = str(value.get("info", {}).get("format_version", "1.0"))
    if version.split(".")[0] != "1":
        problems.append(f"format_version is {version}; 1.x can be read")
    return problems


def _keys(draft: Draft, files: pd.Series) -> pd.Series:
    """Key of the image of each file, NA where there is none or where the name says too little."""
    images = draft.images
    name = images["source_file_name"]
    found = pd.Series(np.nan, index=files.index)
    for spelling in (images["source"] + "/" + name, images["dataset"] + "/" + name, name):
        unique = spelling[~spelling.duplicated(keep=False)]
        lookup = pd.Series(unique.index, index=unique.to_numpy())
        found = found.fillna(files.map(lookup))
    return found


def _drop_failures(draft: Draft, failure: pd.Series) -> Draft:
    """Images that the detector could not read and that nobody has annotated."""
    bare = failure[~failure.index.isin(draft.annotations["image"])]
    detail = bare[~bare.index.duplicated()].reindex(draft.images.index)
    return draft.drop_images(detail.notna(), "detector_failure", detail)


def _annotations(draft: Draft, boxes: pd.DataFrame, detector: str) -> pd.DataFrame:
    """Rows of `Draft.annotations` for boxes that carry no label yet."""
    image = draft.images.loc[boxes["image"], ["id", "source"]]
    number = boxes["number"].astype("str").str.zfill(2).to_numpy()
    return pd.DataFrame(
        {
            "id": image["id"].to_numpy() + "_md" + number,
            "image_id": image["id"].to_numpy(),
            "image": boxes["image"].to_numpy(),
            "source": image["source"].to_numpy(),
            "bbox_relative": boxes["bbox"].to_numpy(),
            "confidence": boxes["confidence"].to_numpy(),
            "box_source": detector,
            "category": boxes["category"].to_numpy(),
            "label": UNLABELLED,
            "changes": "",
        }
    )


def _take_labels(draft: Draft, boxes: pd.DataFrame, categories: tuple[str, ...]) -> Draft:
    other = ~boxes["category"].isin(categories)
    draft = draft.enter(ledger("annotation", boxes, other, "other_category", boxes["category"]))
    boxes = boxes[~other]

    frame = draft.annotations[draft.annotations["label"] != UNLABELLED]
    frame = frame[frame["image"].isin(boxes["image"])]
    count = frame.groupby("image")["label"].nunique()
    first = frame.drop_duplicates("image").set_index("image")

    empty = boxes["image"].isin(first.index[first["label"] == EMPTY])
    draft = draft.enter(ledger("annotation", boxes, empty, "box_on_empty_image", ""))
    boxes = boxes[~empty]

    one = boxes["image"].isin(count.index[count == 1])
    for column in ("label", "dataset_class", "sequence_level_annotation", "validated"):
        known = first[column].reindex(boxes["image"]).set_axis(boxes.index)
        blank = boxes.get(column, pd.Series(None, index=boxes.index, dtype=known.dtype))
        boxes = boxes.assign(**{column: known.where(one, blank)})

    several = draft.annotations["image"].isin(boxes.loc[~one, "image"])
    several &= draft.annotations["image"].isin(count.index[count > 1])
    draft = draft.drop_annotations(several, "several_labels_for_boxes")
    if "box_source" not in draft.annotations:
        draft = draft.set_annotations(box_source=None)
    return draft.append(boxes.drop(columns="category"))
