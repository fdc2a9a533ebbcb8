"""Labels out of the store: as a ledger, a label table, COCO Camera Traps, or for Timelapse."""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from classification.files import atomic_open
from classification.labelling.decisions import Decision
from classification.labelling.timelapse.selector import split_item

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = tuple(field.name for field in fields(Decision))


def write_ledger(path: Path, decisions: Iterable[Decision]) -> int:
    """Write decisions as CSV, every field a column, class lists as JSON; returns how many."""
    made = list(decisions)
    with atomic_open(path) as f:
        rows = csv.writer(f, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows([_cell(getattr(d, name)) for name in COLUMNS] for d in made)
    return len(made)


def write_species(path: Path, decisions: Mapping[str, Decision]) -> int:
    """Write File, RelativePath and Species, which Timelapse imports; returns how many rows."""
    with atomic_open(path) as f:
        rows = csv.writer(f, lineterminator="\n")
        rows.writerow(("File", "RelativePath", "Species"))
        for item, decision in decisions.items():
            species = decision.single or (decision.verdict if decision.verdict != "skip" else "")
            rows.writerow((*split_item(item), "" if species == "marks" else species))
    return len(decisions)


def write_labels_cct(
    path: Path, decisions: Mapping[str, Decision], table: "pd.DataFrame", *, description: str
) -> int:
    """Write a COCO Camera Traps file: one image per labelled crop, one annotation per class in it.

    Args:
        path: JSON to write, atomically.
        decisions: the current decision by item.
        table: the classification table.
        description: goes into ``info``.

    Returns:
        Number of annotations. Items without a class (unsure, excluded) have no image here.
    """
    import pandas as pd

    from classification.data.cct import Cct, write_cct

    found = [
        (item, name, d)
        for item, d in decisions.items()
        for name in ((d.label,) if d.label else d.present)
    ]
    names = sorted({name for _, name, _ in found})
    images = table[table["path"].isin({item for item, _, _ in found})]
    images = images[["path", "datetime", "seq_id", "location", "dataset"]].assign(
        file_name=images["path"], orig_id=images["image_id"]
    )
    annotations = pd.DataFrame(
        {
            "id": [f"{item}: {name}" for item, name, _ in found],
            "image_id": [item for item, _, _ in found],
            "category_id": [names.index(name) + 1 for _, name, _ in found],
            "validated": True,
            "validated_by": [d.annotator for _, _, d in found],
            "annotation_datetime": [d.decided_at for _, _, d in found],
        }
    )
    categories = pd.DataFrame({"id": range(1, len(names) + 1), "name": names})
    info = {"version": "1.0", "description": description}
    images = images.rename(columns={"path": "id"})
    write_cct(path, Cct(info=info, images=images, annotations=annotations, categories=categories))
    return len(found)


def _cell(value: object) -> object:
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return "" if value is None else value
