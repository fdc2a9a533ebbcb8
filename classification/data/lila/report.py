"""What a selection of LILA holds and what it left out."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from classification.data.lila.options import LilaOptions
from classification.data.lila.select import SEPARATOR, Counts
from classification.data.lila.subset import Subset


def asked(options: LilaOptions) -> str:
    """What was asked for, on one line."""
    parts = {"species": options.species, "dataset": options.dataset, "location": options.location}
    said = [f"{name} {', '.join(values)}" for name, values in parts.items() if values]
    return "; ".join(said) or "all animals"


def _per_class(rows: pd.DataFrame) -> pd.DataFrame:
    """class -> images, locations of the images chosen."""
    table = rows.assign(name=rows["classes"].str.split(SEPARATOR)).explode("name")
    groups = table.drop_duplicates(["image_id", "name"]).groupby("name")
    return pd.DataFrame({"images": groups.size(), "locations": groups["location"].nunique()})


def summary(
    options: LilaOptions, rows: pd.DataFrame, counts: Counts, made: Subset
) -> dict[str, Any]:
    """The record of a selection: options, counts per class, what was left out and why."""
    chosen = _per_class(rows)
    return {
        "options": {name: _plain(value) for name, value in asdict(options).items()},
        "images": len(rows),
        "locations": int(rows["location"].nunique()),
        "datasets": {str(k): int(v) for k, v in rows["dataset_name"].value_counts().items()},
        "classes": {
            str(name): {
                "matching": counts.by_class.get(str(name), 0),
                "images": int(row["images"]),
                "locations": int(row["locations"]),
            }
            for name, row in chosen.iterrows()
        },
        "seen": counts.images,
        "left_out": {
            "mixed": counts.mixed,
            "undated": counts.undated,
            "beyond_limits": counts.matching - len(rows),
        },
        "boxes": asdict(made.boxes),
    }


def told(rows: pd.DataFrame, counts: Counts, made: Subset) -> str:
    """The same for the terminal."""
    lines = [
        f"{len(rows):,} images of {rows['location'].nunique():,} locations chosen, of "
        f"{counts.matching:,} that fit, of {counts.images:,} seen; left out: {counts.mixed:,} "
        f"that show something else as well, {counts.undated:,} without a date",
        f"boxes: {made.boxes.boxes:,} in {made.boxes.images:,} images; "
        f"{made.boxes.other_class:,} of something else",
    ]
    for name, row in _per_class(rows).sort_values("images", ascending=False).iterrows():
        total = counts.by_class.get(str(name), 0)
        lines.append(
            f"  {name}: {row['images']:,} of {total:,} images, {row['locations']:,} locations"
        )
    return "\n".join(lines)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value
