"""Reading a CSV whatever saved it: Timelapse, Excel in any language, LibreOffice, a script."""

import codecs
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classification.errors import FieldmarkError

if TYPE_CHECKING:
    import pandas as pd

_HEAD = 1 << 16  # bytes in which the heading must end
_SEPARATORS = ",;\t"
_BOMS = (  # UTF-32 is not among them: no spreadsheet writes it
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a CSV is written, and its columns as spelt there."""

    encoding: str
    separator: str
    heading: tuple[str, ...]
    before: int
    """Lines before the heading: 1 with Excel's ``sep=;``."""

    def named(self, columns: Sequence[str]) -> tuple[str, ...] | None:
        """`columns` as spelt here, case and blanks aside; None if one is missing."""
        spelt = {name.strip().casefold(): name for name in self.heading}
        found = [spelt.get(name.casefold()) for name in columns]
        return None if None in found else tuple(name for name in found if name is not None)


def read_form(path: Path) -> Form:
    """How a file is written; the separator is the one that makes most columns of the heading."""
    with path.open("rb") as f:
        head = f.read(_HEAD)
    encoding = next((name for bom, name in _BOMS if head.startswith(bom)), "utf-8")
    lines = head.decode(encoding, errors="replace").splitlines() or [""]
    told = lines[0].strip('" ').casefold()
    before = int(told.startswith("sep=") and len(lines) > 1)
    line = lines[before : before + 1]
    headings = {s: tuple(next(csv.reader(line, delimiter=s), ())) for s in _SEPARATORS}
    separator = max(_SEPARATORS, key=lambda s: len(headings[s]))
    return Form(encoding=encoding, separator=separator, heading=headings[separator], before=before)


def read_sheet(path: Path, form: Form, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """Rows as text, an empty cell as an empty text; the index is the row in a spreadsheet, from 2.

    A file that is not UTF-8 is taken for the Windows code page that Excel writes.

    Args:
        path: the CSV.
        form: of it.
        columns: those to read, as spelt in the heading; None: all.

    Raises:
        FieldmarkError: it cannot be read as CSV.
    """
    import pandas as pd

    def read(encoding: str) -> "pd.DataFrame":
        return pd.read_csv(
            path,
            sep=form.separator,
            encoding=encoding,
            skiprows=form.before,
            usecols=None if columns is None else list(columns),
            dtype=str,
            na_filter=False,
            skip_blank_lines=False,  # so that a row keeps its number
            index_col=False,
        )

    try:
        try:
            table = read(form.encoding)
        except UnicodeDecodeError:
            table = read("cp1252")
    except (ValueError, OSError) as error:
        raise FieldmarkError(f"{path} cannot be read as CSV: {error}") from error
    table.index = pd.RangeIndex(2, len(table) + 2, name="row")
    return table
