"""Choose images out of the stream of all: by label, location and date, with fair shares."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute

from classification.data.lila.table import DATETIME, image_starts
from classification.data.lila.taxa import matches
from classification.data.lila.thin import Shares, priorities, thin
from classification.errors import FieldmarkError

pc: Any = compute  # its functions are made at import, which type checkers cannot see
SEPARATOR = "\x1f"  # between the labels, and the classes, of one image
_THIN_AT = 100_000  # rows that wait to be thinned


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which rows to take."""

    classes: Mapping[str, str]
    """Class of each label to take, by `label_key`."""
    locations: Sequence[str] = ()
    """'dataset : location' or the location alone; ``*`` stands for anything; none: all."""
    start: str = ""
    end: str = ""
    """Days, inclusive; empty: no bound."""
    mixed: bool = False
    """Also images that have a label that is not to be taken."""


@dataclass
class Counts:
    """What was seen and left out, in images."""

    images: int = 0
    mixed: int = 0
    undated: int = 0
    matching: int = 0
    by_class: dict[str, int] = field(default_factory=dict)
    """Matching images of each class, before the limits."""


def label_key(dataset: str, label: str) -> str:
    """Name of a dataset's label in `Choice.classes`."""
    return f"{dataset}|{label.lower()}"


def choose(
    pieces: Iterable[pa.Table], choice: Choice, shares: Shares, *, max_images: int
) -> tuple[pd.DataFrame, Counts]:
    """The images chosen, one row each, by id.

    Returns:
        The columns of the table (`COLUMNS`), and labels, classes: of the image, those taken, joined
        by `SEPARATOR`; location and sequence: NA where unknown. And what was left out.

    Raises:
        FieldmarkError: more than `max_images` remain within the limits.
    """
    counts = Counts()
    kept: pd.DataFrame | None = None
    waiting: list[pd.DataFrame] = []
    for piece in pieces:
        found = matching(piece, choice, counts, seed=shares.seed)
        if len(found):
            waiting.append(found)
        if sum(map(len, waiting)) > _THIN_AT:
            kept, waiting = _merged(kept, waiting, shares, max_images), []
    kept = _merged(kept, waiting, shares, max_images)
    if kept is None:
        return pd.DataFrame(), counts
    return kept.sort_values("image_id").drop_duplicates("image_id", ignore_index=True), counts


def matching(piece: pa.Table, choice: Choice, counts: Counts, *, seed: int) -> pd.DataFrame:
    """Rows of `piece` that fit, one per image and class; `counts` is added to."""
    starts = image_starts(piece)
    image = np.repeat(np.arange(len(starts)), np.diff([*starts, len(piece)]))
    counts.images += len(starts)
    label = pc.utf8_lower(piece["original_label"])
    key = pc.binary_join_element_wise(piece["dataset_name"], label, "|")
    fits = pc.is_in(key, value_set=pa.array(list(choice.classes), pa.string())).to_numpy()
    if not choice.mixed:
        fitting = np.bincount(image, fits, minlength=len(starts))
        mixed = (fitting > 0) & (fitting < np.bincount(image))
        counts.mixed += int(mixed.sum())
        fits = fits & ~mixed[image]
    rows = piece.filter(pa.array(fits)).to_pandas()
    rows["class"] = pd.Series(key.filter(pa.array(fits)).to_pandas()).map(choice.classes)
    rows["image"] = image[fits]
    rows["location"] = rows["location_id"].where(rows["location_id"] != rows["dataset_name"])
    unknown = rows["sequence_id"].str.endswith(" : unknown") | (rows["sequence_id"] == "")
    rows["sequence"] = rows["sequence_id"].where(~unknown)
    rows = rows[_here(rows, choice.locations) & _then(rows, choice, counts)]
    return _summed(rows, counts, seed)


def _summed(rows: pd.DataFrame, counts: Counts, seed: int) -> pd.DataFrame:
    """One row per image and class, which knows all the image's labels and classes."""
    rows = rows.assign(labels=rows["original_label"], classes=rows["class"])
    several = rows["image"].duplicated(keep=False)
    if several.any():
        for column in ("labels", "classes"):
            images = rows.loc[several].groupby("image")[column]
            rows.loc[several, column] = images.transform(lambda texts: SEPARATOR.join(texts))
    rows = rows.drop_duplicates(["image", "class"])
    counts.matching += int(rows["image"].nunique())
    for name, number in rows["class"].value_counts().items():
        counts.by_class[str(name)] = counts.by_class.get(str(name), 0) + int(number)
    return rows.drop(columns="image").assign(priority=priorities(rows["image_id"], seed))


def _here(rows: pd.DataFrame, locations: Sequence[str]) -> pd.Series:
    if not locations:
        return pd.Series(True, index=rows.index)
    full = rows["location_id"].str.lower()
    alone = rows["location"].str.lower().str.replace("^.*? : ", "", regex=True)
    here = pd.Series(False, index=rows.index)
    for location in (text.strip().lower() for text in locations):
        here |= matches(full, location) | matches(alone, location)
    return here


def _then(rows: pd.DataFrame, choice: Choice, counts: Counts) -> pd.Series:
    if not (choice.start or choice.end):
        return pd.Series(True, index=rows.index)
    when = pd.to_datetime(rows["datetime"], format=DATETIME, errors="coerce")
    counts.undated += int(rows["image"][when.isna()].nunique())
    first = pd.Timestamp(choice.start or "1677-09-22")
    last = pd.Timestamp(choice.end or "2262-04-10") + pd.Timedelta(days=1)
    return (when >= first) & (when < last)


def _merged(
    kept: pd.DataFrame | None, waiting: list[pd.DataFrame], shares: Shares, max_images: int
) -> pd.DataFrame | None:
    parts = [part for part in (kept, *waiting) if part is not None]
    if not parts:
        return None
    rows = thin(pd.concat(parts, ignore_index=True), shares)
    if len(rows) > max_images:
        raise FieldmarkError(
            f"the selection has more than {max_images:,} images (--max-images, which guards the "
            "memory). Name fewer --species or --dataset, set --per-class, --per-location or "
            "--per-sequence, or raise --max-images (about 4 GB of memory per million)."
        )
    return rows
