"""What cleaning did, for the person who ran it and for ``summary.json``."""

from typing import Any

import pandas as pd

from classification.data.cct import UNLABELLED
from classification.data.clean.draft import Draft, box_values
from classification.data.clean.sequences import sequence_count

_SHOWN = 40


def dropped_table(draft: Draft) -> pd.DataFrame:
    """``dropped.csv``: every item that was dropped, in order of the rules."""
    columns = ["kind", "id", "dataset", "reason", "detail"]
    if not draft.dropped:
        return pd.DataFrame(columns=columns, dtype="str")
    return pd.concat(draft.dropped, ignore_index=True).astype("str")[columns]


def summary(draft: Draft, dropped: pd.DataFrame, inputs: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of what went in, came out, was changed and was dropped."""
    images, annotations = draft.images, draft.annotations
    changes = annotations.loc[annotations["changes"] != "", "changes"].str.split(";").explode()
    return {
        "inputs": inputs,
        "images": len(images),
        "images_without_annotation": int((~images.index.isin(annotations["image"])).sum()),
        "images_without_size": int((~((images["width"] > 0) & (images["height"] > 0))).sum()),
        "images_without_location": int(images["location"].isna().sum()),
        "locations": int(images.groupby(["dataset", "location"]).ngroups),
        "sequences": sequence_count(images),
        "annotations": len(annotations),
        "boxes": int(box_values(annotations).notna().sum()),
        "unlabelled": int((annotations["label"] == UNLABELLED).sum()),
        "labels": annotations["label"].value_counts().to_dict(),
        "changed": changes.value_counts().to_dict(),
        "dropped": {
            kind: rows["reason"].value_counts().to_dict() for kind, rows in dropped.groupby("kind")
        },
        "notes": list(draft.notes),
    }


def as_text(record: dict[str, Any]) -> str:
    """The summary for the terminal."""
    lines = [
        f"{one['name']}: {one['images']} images, {one['annotations']} annotations"
        for one in record["inputs"]
    ]
    lines.append(
        f"clean: {record['images']} images at {record['locations']} locations, "
        f"{record['annotations']} annotations ({record['boxes']} boxes, "
        f"{record['unlabelled']} unlabelled)"
    )
    labels = list(record["labels"].items())
    lines += [f"  {name:<28} {count:>9}" for name, count in labels[:_SHOWN]]
    if len(labels) > _SHOWN:
        lines.append(f"  and {len(labels) - _SHOWN} more labels")
    for kind, reasons in record["dropped"].items():
        lines.append(f"dropped {kind}s:")
        lines += [f"  {reason:<28} {count:>9}" for reason, count in reasons.items()]
    if bare := record["images_without_annotation"]:
        lines.append(f"{bare} images left without annotation: the detector found nothing to crop")
    if record["changed"]:
        lines.append("changed annotations:")
        lines += [f"  {code:<28} {count:>9}" for code, count in record["changed"].items()]
    lines += [f"note: {line}" for line in record["notes"]]
    return "\n".join(lines)
