"""A COCO Camera Traps file per split: one image per crop, or the frames they were cut from."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from classification.data.cct import Cct


def crop_cct(
    table: pd.DataFrame, sizes: pd.DataFrame, classes: Sequence[str], *, description: str
) -> Cct:
    """The crops of `table` as a dataset of their own.

    Args:
        table: rows of the classification table, those of one split.
        sizes: ``width`` and ``height`` in pixels by crop path.
        classes: names in the order of ``label_index.json``.
        description: goes into ``info``.

    Returns:
        One image per crop (its id is its path, `orig_id` the id of the frame) and one annotation
        per labelled crop. Category ids are those of the label index plus one, since 0 stands for
        ``empty`` in this format.
    """
    images = table[["path", "datetime", "seq_id", "location", "dataset"]].assign(
        file_name=table["path"],
        orig_id=table["image_id"],
        width=sizes["width"].reindex(table["path"]).to_numpy(),
        height=sizes["height"].reindex(table["path"]).to_numpy(),
    )
    labelled = table[table["label"].notna()]
    number = {name: i + 1 for i, name in enumerate(classes)}
    annotations = pd.DataFrame(
        {
            "id": labelled["path"],
            "image_id": labelled["path"],
            "category_id": labelled["label"].map(number).astype("int64"),
            "confidence": labelled["confidence"],
            "orig_id": labelled["annotation_id"],
        }
    )
    return Cct(
        info={"version": "1.0", "description": description},
        images=images.rename(columns={"path": "id"}),
        annotations=annotations,
        categories=pd.DataFrame({"id": list(number.values()), "name": list(number)}),
    )


def frame_cct(cct: Cct, table: pd.DataFrame, *, description: str) -> Cct:
    """The frames that the crops of `table` were cut from, with all their annotations.

    Args:
        cct: all frames.
        table: rows of the classification table, those of one split.
        description: goes into ``info``.

    Returns:
        The images of `cct` that have a crop in `table`; categories and their ids stay as they are,
        so that detectors and classifiers trained on the parts agree.
    """
    images = cct.images[cct.images["id"].isin(table["image_id"])]
    return replace(
        cct,
        info={**cct.info, "description": description},
        images=images,
        annotations=cct.annotations[cct.annotations["image_id"].isin(images["id"])],
    )
