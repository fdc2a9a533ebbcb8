"""Reading the CSV that comes back: from Timelapse, or from a spreadsheet that saved it again."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classification.errors import FieldmarkError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("File", "RelativePath", "Species")
_HEAD = 1 << 16  # bytes in which the heading must end
_BOMS = (  # UTF-32 is not among them: no spreadsheet writes it
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a CSV is written, and what its columns are called there."""

    encoding: str
    separator: str
    names: tuple[str, str, str]
    """File, RelativePath and Species as spelt in the heading."""


def find_returned(folder: Path) -> Iterator[Path]:
    """The CSV files of a folder that have a Species column, by name."""
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() == ".csv" and path.is_file() and read_form(path) is not None:
            yield path


def read_form(path: Path) -> Form | None:
    """How the file is written; None if its heading lacks one of `COLUMNS`.

    The heading decides between comma, semicolon and tab; case and blanks of names do not matter.
    """
    with path.open("rb") as f:
        head = f.read(_HEAD)
    encoding = next((name for bom, name in _BOMS if head.startswith(bom)), "utf-8")
    line = head.decode(encoding, errors="replace").splitlines()[:1]
    for separator in ",;\t":
        heading = next(csv.reader(line, delimiter=separator), [])
        spelt = {name.strip().casefold(): name for name in heading}
        if all(name.casefold() in spelt for name in COLUMNS):
            file, folder, species = (spelt[name.casefold()] for name in COLUMNS)
            return Form(encoding=encoding, separator=separator, names=(file, folder, species))
    return None


def read_returned(path: Path) -> "pd.DataFrame":
    """Rows of a returned CSV as text: `COLUMNS`, and as index the row in a spreadsheet (from 2).

    Other columns, such as Timelapse's DateTime and DeleteFlag, are not read. A file that is not
    UTF-8 is taken for the Windows code page that Excel writes.

    Raises:
        FieldmarkError: the columns are missing, or the file cannot be read as CSV.
    """
    import pandas as pd

    form = read_form(path)
    if form is None:
        raise FieldmarkError(
            f"{path} lacks one of the columns {', '.join(COLUMNS)}; export it from Timelapse "
            "(File, Export all data as a CSV file) with the template of this run"
        )
    try:
        table = _read(path, form, form.encoding)
    except UnicodeDecodeError:
        table = _read(path, form, "cp1252")
    except (ValueError, OSError) as error:
        raise FieldmarkError(f"{path} cannot be read as CSV: {error}") from error
    table = table[list(form.names)].set_axis(list(COLUMNS), axis=1)
    table.index = pd.RangeIndex(2, len(table) + 2, name="row")
    return table


def _read(path: Path, form: Form, encoding: str) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_csv(
        path,
        sep=form.separator,
        encoding=encoding,
        usecols=list(form.names),
        dtype=str,
        na_filter=False,
        skip_blank_lines=False,  # so that a row keeps its number
        index_col=False,
    )
