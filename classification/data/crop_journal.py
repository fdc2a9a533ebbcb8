"""What earlier crop runs made: the crop table, and the journal of a run that did not end."""

import errno
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import pandas as pd

from classification.data.crop_worker import CropRow
from classification.errors import FieldmarkError
from classification.paths import DatasetPaths
from classification.schemas import CropTable, read_csv

_WHOLE = ("source_width", "source_height", "width", "height", "source_bytes")


class Journal:
    """Rows appended as they are made, one JSON line each.

    The one file that is not written under a temporary name: a half line at its end, which a
    killed run leaves, is skipped when it is read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> "Journal":
        return self

    def append(self, rows: Iterable[CropRow]) -> None:
        """Append rows, and hand them to the system.

        Raises:
            FieldmarkError: the disk is full or not writable.
        """
        try:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("a", encoding="utf-8")
                self._file.write("\n")  # ends the half line of a killed run
            self._file.writelines(json.dumps(row) + "\n" for row in rows)
            self._file.flush()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
                raise
            raise FieldmarkError(
                f"cannot write {self._path}: {os.strerror(error.errno)}. The crops made so far "
                "stay: make room or mend the permissions, then run the same command again."
            ) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()


def known_rows(paths: DatasetPaths) -> dict[str, CropRow]:
    """Rows of all earlier runs by annotation id; those of the journal are the younger ones.

    Raises:
        FieldmarkError: the crop table breaks its schema.
    """
    known: dict[str, CropRow] = {}
    if paths.crop_table.exists():
        known = _table_rows(read_csv(paths.crop_table, CropTable, what="crop table"))
    if paths.crop_journal.exists():
        for line in paths.crop_journal.read_text(encoding="utf-8", errors="replace").split("\n"):
            if row := _journal_row(line):
                known[row.annotation_id] = row
    return known


def _table_rows(table: pd.DataFrame) -> dict[str, CropRow]:
    columns = []
    for field in CropRow._fields:
        if field not in table:
            columns.append([None] * len(table))
            continue
        values = table[field].astype(object).where(table[field].notna(), None).tolist()
        columns.append([_whole(v) for v in values] if field in _WHOLE else values)
    rows = (CropRow(*values) for values in zip(*columns, strict=True))
    return {row.annotation_id: row for row in rows}


def _whole(value: Any) -> int | None:
    return None if value is None else int(float(value))


def _journal_row(line: str) -> CropRow | None:
    try:
        return CropRow(*json.loads(line))
    except (ValueError, TypeError):  # the half line of a killed run
        return None
