"""``--match-test``: an earlier test set that stays, so that models can be compared over time."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classification.data.splits import Group, assign_splits, read_splits
from classification.data.table import read_table
from classification.errors import FieldmarkError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class FrozenTest:
    """rows: the earlier test rows. splits: the earlier splits."""

    rows: "pd.DataFrame"
    splits: dict[str, set[Group]]


def read_frozen(csv: Path, splits: Path) -> FrozenTest:
    """Read an earlier classification table and its splits.

    Raises:
        FieldmarkError: a file is missing or broken, they do not belong together, or the test set
            is empty.
    """
    table, earlier = read_table(csv), read_splits(splits)
    rows = table[assign_splits(table, earlier) == "test"]
    if rows.empty:
        raise FieldmarkError(f"--match-test {csv} {splits}: the test set is empty")
    return FrozenTest(rows=rows, splits=earlier)


def add_frozen_rows(table: "pd.DataFrame", frozen: FrozenTest) -> "tuple[pd.DataFrame, list[str]]":
    """Put back test rows that the new table lacks; the test set may grow but not shrink.

    Returns:
        The table, and what was done, one line each. Rows whose class the new table leaves out are
        not put back; labels corrected since are kept as they are now.
    """
    import pandas as pd

    rows = frozen.rows
    known = rows["label"].isna() | rows["label"].isin(table["label"].unique())
    missing = rows[~rows["path"].isin(table["path"])]
    back = missing[known[missing.index]]
    both = rows.merge(table, on="path", suffixes=("_old", ""))
    changed = both["label_old"].fillna("") != both["label"].fillna("")
    counts = {
        "rows of the frozen test set put back from the earlier table": len(back),
        "rows of the frozen test set left out, their class is no longer in the table": len(missing)
        - len(back),
        "rows of the frozen test set have another label than before": int(changed.sum()),
    }
    merged = pd.concat([table, back], ignore_index=True) if len(back) else table
    return merged, [f"{count} {what}" for what, count in counts.items() if count]
