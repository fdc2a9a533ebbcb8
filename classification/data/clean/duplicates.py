"""One picture, one image: of several copies the best annotated one stays."""

import pandas as pd

from classification.data.cct import UNLABELLED
from classification.data.clean.draft import Draft
from classification.data.clean.sequences import parse_datetimes


def drop_same_record(draft: Draft) -> Draft:
    """The same file twice in one input, and one image in several exports.

    Images of two inputs are the same when file name and id agree, or file name, location and
    time; ``IMG_0001.JPG`` alone says nothing.
    """
    images = draft.images
    draft = keep_best(draft, images["source"] + "\n" + images["file_name"], "duplicate_file_name")
    images = draft.images
    if images["source"].nunique() == 1:
        return draft
    draft = keep_best(draft, images["file_name"] + "\n" + images["id"], "duplicate_image")
    images = draft.images
    time = parse_datetimes(images["datetime"]).astype("str")
    shot = (images["location"] + "\n" + time).where(time != "NaT")
    return keep_best(draft, images["file_name"] + "\n" + shot, "duplicate_image")


def keep_best(draft: Draft, group: pd.Series, reason: str) -> Draft:
    """Of each group of images keep the one with most labels, then the first.

    Args:
        draft: the dataset.
        group: what the copies of one picture share; NA for an image without copies.
        reason: code in the ledger.
    """
    copies = group[group.notna() & group.duplicated(keep=False)]
    if copies.empty:
        return draft
    labels = draft.annotations.loc[draft.annotations["label"] != UNLABELLED, "image"]
    score = labels.value_counts().reindex(copies.index, fill_value=0)
    order = score.sort_values(ascending=False, kind="stable").index
    best = copies[order].drop_duplicates()
    kept = copies.map(pd.Series(best.index, index=best.to_numpy()))
    gone = copies.index[kept.to_numpy() != copies.index.to_numpy()]
    stays = draft.images.loc[kept[gone], ["source", "id"]]
    detail = pd.Series("", index=draft.images.index, dtype="str")
    detail[gone] = ("same as " + stays["source"] + ": " + stays["id"]).to_numpy()
    return draft.drop_images(draft.images.index.isin(gone), reason, detail)
