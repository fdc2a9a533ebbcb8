"""Reading the CSV that comes back: from Timelapse, or from a spreadsheet that saved it again."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from classification.errors import FieldmarkError
from classification.labelling.spreadsheet import Form, read_form, read_sheet

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("File", "RelativePath", "Species")
_WORKBOOKS = (".xlsx", ".xls", ".ods", ".numbers")


def find_returned(folder: Path) -> Iterator[Path]:
    """The CSV files of a folder that have a Species column, by name."""
    for path in sorted(folder.glob("*")):
        if returned_form(path) is not None:
            yield path


def returned_form(path: Path) -> Form | None:
    """How a returned CSV is written; None for any other file, or if it lacks one of `COLUMNS`."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return None
    form = read_form(path)
    return None if form.named(COLUMNS) is None else form


def not_returned(folder: Path) -> list[str]:
    """What a person may take for a returned file and is none, and why, one line each."""
    lines = []
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() in _WORKBOOKS:
            lines.append(f"{path.name} is not taken: save it as CSV")
        elif path.suffix.lower() == ".csv" and path.is_file() and returned_form(path) is None:
            heading = read_form(path)
            missing = [name for name in COLUMNS if heading.named([name]) is None]
            lines.append(
                f"{path.name} is not taken: its first line lacks {', '.join(missing)} "
                f"(it has {', '.join(name.strip() for name in heading.heading) or 'nothing'})"
            )
    return lines


def read_returned(path: Path) -> "pd.DataFrame":
    """Rows of a returned CSV as text: `COLUMNS`, and as index the row in a spreadsheet (from 2).

    Other columns, such as Timelapse's DateTime and DeleteFlag, are not read.

    Raises:
        FieldmarkError: the columns are missing, or the file cannot be read as CSV.
    """
    form = read_form(path)
    names = form.named(COLUMNS)
    if names is None:
        raise FieldmarkError(
            f"{path} lacks one of the columns {', '.join(COLUMNS)}; export it from Timelapse "
            "(File, Export all data as a CSV file) with the template of this run"
        )
    return read_sheet(path, form, names)[list(names)].set_axis(list(COLUMNS), axis=1)
