"""The label store: an append-only ledger of decisions in SQLite.

One row per decision; the latest decision about an item counts; nothing is ever updated or
deleted, which the database itself enforces. Every call that adds decisions commits before it
returns, so a decision that was acknowledged survives a kill.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from classification.errors import FieldmarkError

NO_LABEL = ("unsure", "skip", "exclude")
"""Decisions other than a class name; kept apart in the `verdict` column."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS decisions (
    id INTEGER PRIMARY KEY,
    item TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('label', 'unsure', 'skip', 'exclude', 'undo')),
    label TEXT CHECK ((verdict = 'label') = (label IS NOT NULL)),
    annotator TEXT NOT NULL,
    source TEXT NOT NULL,
    round INTEGER NOT NULL,
    shown_at TEXT,
    decided_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS decisions_of_item ON decisions (item, id);
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON decisions
    BEGIN SELECT RAISE(ABORT, 'the label store is append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON decisions
    BEGIN SELECT RAISE(ABORT, 'the label store is append-only'); END;
"""

_CURRENT = """
SELECT {columns} FROM decisions
WHERE id IN (SELECT max(id) FROM decisions GROUP BY item) AND verdict <> 'undo'
ORDER BY id
"""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What one annotator decided about one item at one moment."""

    item: str
    """Crop path, as in the classification table."""
    verdict: str
    """label, unsure, skip, exclude, or undo (back to no decision)."""
    label: str | None
    """Class name; only with the verdict `label`."""
    annotator: str
    source: str
    """oracle, timelapse or app."""
    round: int
    """The round whose query this answers."""
    shown_at: str | None = None
    """ISO 8601 UTC, when the item was put before the annotator."""
    decided_at: str = ""
    """ISO 8601 UTC; filled in by the store when empty."""


_COLUMNS = ", ".join(f.name for f in fields(Decision))


class LabelStore:
    """A ledger in one file; several processes may have it open."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._connect() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_SCHEMA)

    def add(self, decisions: Iterable[Decision]) -> int:
        """Append decisions, all or none, durable on return. Returns how many."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        rows = [(*astuple(d)[:-1], d.decided_at or now) for d in decisions]
        marks = ", ".join("?" * len(fields(Decision)))
        with self._connect() as connection, connection:
            connection.executemany(f"INSERT INTO decisions ({_COLUMNS}) VALUES ({marks})", rows)
        return len(rows)

    def current(self) -> dict[str, Decision]:
        """The latest decision per item, undone ones left out, in the order they were made."""
        with self._connect() as connection:
            rows = connection.execute(_CURRENT.format(columns=_COLUMNS)).fetchall()
        return {row["item"]: Decision(**row) for row in rows}

    def history(self, item: str) -> list[Decision]:
        """Every decision about one item, oldest first."""
        query = f"SELECT {_COLUMNS} FROM decisions WHERE item = ? ORDER BY id"
        with self._connect() as connection:
            return [Decision(**row) for row in connection.execute(query, (item,))]

    def undecided(self, items: Sequence[str]) -> list[str]:
        """Those of `items` that wait for a decision; a skipped item waits again."""
        current = self.current()
        return [i for i in items if i not in current or current[i].verdict == "skip"]

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=30)) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA synchronous=FULL")
                yield connection
        except sqlite3.DatabaseError as error:
            raise FieldmarkError(
                f"label store {self._path}: {error}. Nothing was added by this call; decisions "
                "stored earlier are kept."
            ) from error
