"""From the inputs as read to one draft whose references hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from classification.data.cct import UNLABELLED, Cct
from classification.data.clean.category_map import normalise
from classification.data.clean.draft import Draft


@dataclass(frozen=True, kw_only=True)
class Input:
    """One file to combine.

    dataset: name, for images that do not say theirs; several exports of one project may share
    it. source: unique name of the file.
    """

    dataset: str
    source: str
    cct: Cct


def gather(inputs: Sequence[Input]) -> Draft:
    """All inputs in one draft; clashing and dangling references are dropped with rows.

    Locations are made comparable (case and blanks) but kept apart by dataset, and images that
    the dataset itself calls corrupt are dropped.
    """
    images, annotations, offset = [], [], 0
    for one in inputs:
        names = one.cct.images["file_name"]
        dataset = _kept(one.cct.images, "dataset", one.dataset)
        images.append(
            one.cct.images.assign(dataset=dataset, source=one.source, source_file_name=names)
        )
        annotations.append(_keyed(one.cct, offset).assign(source=one.source))
        offset += len(names)
    draft = Draft(
        images=pd.concat(images, ignore_index=True),
        annotations=pd.concat(annotations, ignore_index=True),
    )
    draft = draft.drop_annotations(draft.annotations["image"] < 0, "unknown_image")
    draft = draft.drop_annotations(draft.annotations["label"].isna(), "unknown_category")
    draft = draft.drop_images(draft.images.duplicated(["source", "id"]), "duplicate_id")
    draft = draft.drop_annotations(draft.annotations.duplicated(["source", "id"]), "duplicate_id")
    if "corrupt" in draft.images:
        corrupt = draft.images["corrupt"].map(lambda value: value is True).to_numpy(dtype=bool)
        draft = draft.drop_images(corrupt, "corrupt", "the dataset says so")
    return draft.set_images(location=normalise(draft.images["location"]))


def locations_from_folders(draft: Draft, place: int) -> Draft:
    """Images without a location get the name of a folder of theirs as it.

    Args:
        draft: the dataset.
        place: which folder: 1 the first of the file name, -1 the last; 0 none, which is noted
            where every image without a location lies in some folder.
    """
    images = draft.images
    lacks = images["location"].isna()
    folders = images["source_file_name"].str.replace("\\", "/", regex=False).str.split("/").str[:-1]
    if place == 0:
        if lacks.any() and (folders[lacks].str.len() > 0).all():
            return draft.note(
                f"{int(lacks.sum())} images have no location; if a folder is a camera, say which "
                "with --location-folder (1: the first). Without it a split keeps only bursts "
                "together, or single images, and figures will not hold at new cameras"
            )
        return draft
    named = folders.str[place - 1 if place > 0 else place].astype("str")
    found = lacks & named.notna()
    draft = draft.set_images(location=images["location"].where(~found, normalise(named)))
    cameras = draft.images.loc[found, "location"].nunique()
    return draft.note(f"{int(found.sum())} locations from folders: {cameras} cameras")


def share_locations(draft: Draft) -> Draft:
    """One camera in several inputs is one location: it is filed under the first input's dataset.

    Splits keep (dataset, location) together, so the same camera under two dataset names would
    leak. Which input an image came from stays in ``source``.
    """
    images = draft.images
    first = images.groupby("location")["dataset"].transform("first")
    moved = images["location"].notna() & (first != images["dataset"])
    if not moved.any():
        return draft
    names = images.loc[moved, "location"].unique()
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    draft = draft.set_images(dataset=images["dataset"].where(~moved, first))
    return draft.note(
        f"{len(names)} location names occur in several inputs ({shown}): taken as the same "
        "cameras. Say --locations separate if they are not."
    )


def add_unlabelled(draft: Draft, known: pd.Index) -> Draft:
    """Images that came without annotations get one that says nobody has labelled them yet.

    Args:
        draft: the dataset.
        known: keys of the images that had annotations, or that a detector has searched.
    """
    images = draft.images
    bare = images[~images.index.isin(known)]
    if bare.empty:
        return draft
    new = pd.DataFrame(
        {
            "id": bare["id"] + "_unlabelled",
            "image_id": bare["id"],
            "image": bare.index,
            "source": bare["source"],
            "label": UNLABELLED,
            "changes": "",
        }
    )
    return draft.append(new).note(f"{len(new)} images without annotations kept as unlabelled")


def _keyed(cct: Cct, offset: int) -> pd.DataFrame:
    ids = cct.images["id"].drop_duplicates()
    position = pd.Index(ids).get_indexer(pd.Index(cct.annotations["image_id"]))
    key = np.where(position >= 0, ids.index.to_numpy()[position] + offset, -1)
    names = cct.categories.drop_duplicates("id").set_index("id")["name"]
    label = cct.annotations["category_id"].map(names).astype("str")
    table = cct.annotations.drop(columns="category_id")
    return table.assign(
        image=key,
        label=label,
        dataset_class=_kept(table, "dataset_class", label),
        changes=_kept(table, "changes", ""),
    )


def _kept(table: pd.DataFrame, column: str, default: str | pd.Series) -> pd.Series:
    """What an earlier run of this step wrote, and `default` where there is nothing."""
    blank = pd.Series(None, index=table.index, dtype="str")
    found = table[column].astype("str") if column in table else blank
    return found.fillna(default)
