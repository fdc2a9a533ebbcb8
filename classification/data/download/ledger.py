"""What is known of every file of a folder, in SQLite, so that a killed run loses seconds."""

import csv
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from pathlib import Path

from classification.data.download.record import Record
from classification.errors import FieldmarkError
from classification.files import atomic_open

_COLUMNS = [field.name for field in fields(Record)]
_COMMIT_EVERY = 2.0  # seconds; files that a kill takes from the ledger are checked, not fetched


class Ledger:
    """Records by path. One process at a time holds a ledger; one thread uses it."""

    def __init__(self, path: Path | None) -> None:
        """Open or make the ledger at `path`; None keeps it in memory.

        Raises:
            FieldmarkError: another process holds it, or it is not a ledger.
        """
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._committed = path, time.monotonic()
        with self._explained():
            self._db = sqlite3.connect(path or ":memory:", timeout=1.0)
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, status TEXT, reason TEXT,"
                " detail TEXT, size INTEGER, mtime_ns INTEGER, etag TEXT, sha256 TEXT, source TEXT)"
                " WITHOUT ROWID"
            )
            self._db.execute("BEGIN IMMEDIATE")  # takes the lock, and keeps it after commits

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.commit()
        self._db.close()

    def get(self, path: str) -> Record | None:
        """What is known of `path`."""
        row = self._db.execute("SELECT * FROM files WHERE path = ?", (path,)).fetchone()
        return Record(**dict(zip(_COLUMNS, row, strict=True))) if row else None

    def put(self, record: Record) -> None:
        """Replace what is known of a path; on disk within two seconds of further records."""
        marks = ", ".join("?" * len(_COLUMNS))
        row = [_storable(value) for value in astuple(record)]
        with self._explained():
            self._db.execute(f"INSERT OR REPLACE INTO files VALUES ({marks})", row)
            if time.monotonic() - self._committed > _COMMIT_EVERY:
                self._db.commit()
                self._committed = time.monotonic()

    def records(self) -> Iterator[Record]:
        """Every record, by path."""
        for row in self._db.execute("SELECT * FROM files ORDER BY path"):
            yield Record(**dict(zip(_COLUMNS, row, strict=True)))

    def export(self, path: Path) -> None:
        """Write all records as CSV, atomically."""
        with atomic_open(path) as f:
            writer = csv.writer(f, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows(self._db.execute("SELECT * FROM files ORDER BY path"))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise FieldmarkError(
                f"the download ledger {self._path} cannot be used: {error}. If another download "
                "runs into this folder, wait for it; if the disk is full, make room. Then run the "
                "same command again."
            ) from error
        except sqlite3.DatabaseError as error:
            raise FieldmarkError(
                f"{self._path} is not a download ledger or is damaged ({error}). Move it away and "
                "run the same command again: files that are here are checked, not fetched."
            ) from error


def _storable(value: object) -> object:
    """Text that SQLite takes: a lone surrogate, legal in JSON, is not valid UTF-8."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
