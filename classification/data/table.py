"""``classification_ds.csv``: one row per crop that can be trained on."""

from pathlib import Path
from typing import TYPE_CHECKING

from classification.schemas import ClassificationTable, read_csv

if TYPE_CHECKING:
    import pandas as pd


def read_table(path: Path) -> "pd.DataFrame":
    """Read and check a classification table.

    Returns:
        Columns of `schemas.ClassificationTable`; ids and locations are strings, an empty cell is
        a missing value.

    Raises:
        FieldmarkError: the file is missing or breaks the schema; all faults in one error.
    """
    return read_csv(path, ClassificationTable, what="classification table")
