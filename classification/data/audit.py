"""Leak audit: nothing that a test item shows may have been seen in training.

A random split of camera-trap crops puts frames of one burst, or one camera's background, on both
sides; the figures it gives do not hold at a new camera (0.998 against 0.385 on the Missouri set).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from classification.data.options import AuditOptions
from classification.data.splits import SPLITS, assign_splits, read_splits
from classification.errors import FieldmarkError
from classification.paths import DatasetPaths

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["location", "sequence", "image", "content", "near_duplicate"]

# What makes two rows the same for each kind. Rows whose last column is empty are not compared.
_KEYS: dict[Kind, list[str]] = {
    "location": ["dataset", "location"],
    "sequence": ["dataset", "seq_id"],
    "image": ["dataset", "image_id"],
    "content": ["sha256"],
}
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Leak:
    """One thing that is in more than one split."""

    kind: Kind
    value: str
    """The location, sequence, image, content hash or near-duplicate cluster."""
    splits: tuple[str, ...]
    """The splits it is in, sorted."""
    items: int
    """Crops that share it, over all splits."""
    examples: tuple[str, ...]
    """One crop path per split."""

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.value}: {self.items} crops in {', '.join(self.splits)}, "
            f"such as {' and '.join(self.examples[:2])}"
        )


def audit(
    table: "pd.DataFrame", split: "pd.Series", *, near_duplicates: "pd.Series | None" = None
) -> list[Leak]:
    """Everything that crosses splits, worst kind first.

    Args:
        table: the classification table.
        split: split of each row, with the index of `table`.
        near_duplicates: cluster of each row, empty where nothing looks like it (from
            `near_duplicates.clusters`); None leaves that comparison out.

    Returns:
        One `Leak` for each value of each kind; empty when the split is clean.
    """
    leaks: list[Leak] = []
    for kind, columns in _KEYS.items():
        known = table[columns[-1]].notna()
        rows = table.loc[known, columns + ["path"] * ("path" not in columns)]
        leaks += _crossing(rows, columns, split[known], kind)
    if near_duplicates is not None:
        known = near_duplicates.notna()
        rows = table.loc[known, ["path"]].assign(cluster=near_duplicates[known])
        leaks += _crossing(rows, ["cluster"], split[known], "near_duplicate")
    return leaks


def require_no_leaks(leaks: Sequence[Leak], *, allowed: Collection[Kind] = ()) -> None:
    """Refuse a split that leaks.

    Args:
        leaks: what `audit` found.
        allowed: kinds that the user has asked for (a split by sequence crosses locations).

    Raises:
        FieldmarkError: any leak of a kind not in `allowed`, counted by kind with examples.
    """
    refused = [leak for leak in leaks if leak.kind not in allowed]
    if refused:
        raise FieldmarkError.from_problems(
            "the splits leak: what a model is tested on, it has seen in training. Write new "
            "splits with utils/create_classification_dataset.py --mode splits cct:",
            summary(refused),
        )


def audit_splits(options: AuditOptions) -> None:
    """Audit a dataset folder and print the result.

    Raises:
        FieldmarkError: anything crosses splits, or a file is missing or broken.
    """
    from classification.data.near_duplicates import table_clusters
    from classification.data.table import read_table, require_crops

    paths = DatasetPaths(options.output_dir)
    table = read_table(paths.table)
    split = assign_splits(table, read_splits(paths.splits))
    near = None
    if options.near_duplicates:
        crops = options.crops_dir or paths.crops
        require_crops(table, crops)
        near = table_clusters(table, crops, paths.crop_thumbnails)
    require_no_leaks(audit(table, split, near_duplicates=near))
    kinds = [*_KEYS, *(["near_duplicate"] if options.near_duplicates else [])]
    sizes = ", ".join(f"{name} {int((split == name).sum())}" for name in SPLITS)
    print(f"no leak in {paths.splits} ({', '.join(kinds)}); crops: {sizes}")


def summary(leaks: Sequence[Leak]) -> list[str]:
    """One line per kind with its count, and up to five examples of each."""
    lines: list[str] = []
    for kind in dict.fromkeys(leak.kind for leak in leaks):
        found = [leak for leak in leaks if leak.kind == kind]
        items = sum(leak.items for leak in found)
        lines.append(f"{kind}: {len(found)} cross splits ({items} crops)")
        lines += [f"  {leak}" for leak in found[:_SHOWN]]
    return lines


def _crossing(
    rows: "pd.DataFrame", columns: list[str], split: "pd.Series", kind: Kind
) -> list[Leak]:
    key = rows.groupby(columns).ngroup()
    crossing = split.groupby(key).transform("nunique") > 1
    found = rows[crossing].assign(key=key[crossing], split=split[crossing])
    found["items"] = found.groupby("key")["path"].transform("size")
    firsts = found.sort_values(["key", "split"], kind="stable").drop_duplicates(["key", "split"])
    leaks: list[Leak] = []
    for _, group in groupby(firsts.to_dict("records"), key=lambda row: row["key"]):
        parts = list(group)
        leaks.append(
            Leak(
                kind=kind,
                value="/".join(str(parts[0][column]) for column in columns),
                splits=tuple(part["split"] for part in parts),
                items=parts[0]["items"],
                examples=tuple(part["path"] for part in parts),
            )
        )
    return leaks
