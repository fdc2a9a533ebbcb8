"""The label store: an append-only ledger of decisions.

One row per decision; the latest decision about an item counts; undo is a decision, too. Nothing is
ever updated or deleted, which the database itself enforces. Every call that adds decisions commits
before it returns, so a decision that was acknowledged survives a kill.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import exists, insert, select

from classification.errors import FieldmarkError
from classification.labelling.database import Database, insert_rows
from classification.labelling.decisions import (
    NO_LABEL,
    Decision,
    current_decisions,
    latest_by_annotator,
)
from classification.labelling.leases import Overlap, free_leases, last_verdicts
from classification.labelling.store_schema import decisions, imports

__all__ = ["NO_LABEL", "Decision", "LabelStore"]

_CHUNK = 20_000  # rows per statement: 1 million decisions in 60 MB beside those of the caller
_COLUMNS = [c for c in decisions.columns if c.name != "id"]


class LabelStore:
    """A ledger in one file, or in a database that a team shares; any number of processes.

    Args:
        where: path of an SQLite file, or an SQLAlchemy address.
        keep_open: keep the connection between calls, for who adds one decision after the other:
            3 instead of 19 ms each on a slow disk. The file may then not be moved or copied.
    """

    def __init__(self, where: Path | str, *, keep_open: bool = False) -> None:
        self.database = Database(where, keep_open=keep_open)

    @property
    def name(self) -> str:
        """What to call the store before people; without password."""
        return self.database.name

    def add(self, new: Iterable[Decision], *, file: tuple[str, str] | None = None) -> int:
        """Append decisions, all or none, durable on return.

        Args:
            new: what was decided; the annotators' leases on these items end.
            file: key and name of the file they come from, recorded together with them.

        Returns:
            How many were added.

        Raises:
            FieldmarkError: a decision is malformed, the file was taken in before, or the database
                cannot be written; nothing was added.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        count, rows = 0, iter(new)
        with self.database.writing() as connection:
            while chunk := list(islice(rows, _CHUNK)):
                _require_sound(chunk)
                insert_rows(connection, decisions, _COLUMNS, [_row(d, now) for d in chunk])
                free_leases(connection, [(d.item, d.annotator) for d in chunk])
                count += len(chunk)
            if file:
                key, name = file
                values = {"key": key, "name": name, "imported_at": now}
                connection.execute(insert(imports), values)
        return count

    def current(self) -> dict[str, Decision]:
        """The decision that counts for each item; see `decisions.current_decisions`."""
        return current_decisions(self.history())

    def by_annotator(self) -> dict[tuple[str, str], Decision]:
        """What each annotator says of each item now, by (item, annotator); undone ones left out."""
        return latest_by_annotator(self.history())

    def history(self, item: str | None = None) -> list[Decision]:
        """Every decision, or every one about an item, oldest first."""
        query = select(*_COLUMNS).order_by(decisions.c.id)
        if item is not None:
            query = query.where(decisions.c.item == item)
        with self.database.reading() as connection:
            return [_decision(*row) for row in connection.execute(query)]

    def since(self, mark: int) -> tuple[list[Decision], int]:
        """Decisions added after `mark`, oldest first, and the mark for the next call; begin at 0.

        So a program that stays open sees what others decide without reading all of it again. Ids
        are handed out in the order of commits: none appears below a mark later on.
        """
        query = select(decisions.c.id, *_COLUMNS).where(decisions.c.id > mark)
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(decisions.c.id)).all()
        new = [_decision(*values) for _, *values in rows]
        return new, rows[-1][0] if rows else mark

    def undecided(self, items: Sequence[str], overlap: Overlap | None = None) -> list[str]:
        """Those of `items` that wait for a decision; a skipped item waits again.

        Args:
            items: in any order, which is kept.
            overlap: which items wait for several annotators; None: one is enough.
        """
        wanted = overlap or Overlap()
        with self.database.reading() as connection:
            return [
                item
                for item, verdicts in last_verdicts(connection, items)
                if not verdicts
                or sum(v != "skip" for v in verdicts.values()) < wanted.annotators_for(item)
            ]

    def has_file(self, key: str) -> bool:
        """Whether the labels of the file that this key stands for were taken in."""
        with self.database.reading() as connection:
            query = select(exists().where(imports.c.key == key))
            return bool(connection.scalar(query))


def _row(decision: Decision, now: str) -> tuple[Any, ...]:
    """Values of `_COLUMNS`."""
    marks = decision.verdict == "marks"
    return (
        decision.item,
        decision.verdict,
        decision.label,
        json.dumps(sorted(decision.present)) if marks else None,
        json.dumps(sorted(decision.absent)) if marks else None,
        decision.annotator,
        decision.source,
        decision.round,
        decision.shown_at,
        decision.decided_at or now,
    )


def _decision(
    item: str, verdict: str, label: str | None, present: str | None, absent: str | None, *rest: Any
) -> Decision:
    annotator, source, number, shown_at, decided_at = rest
    return Decision(
        item=item,
        verdict=verdict,
        label=label,
        annotator=annotator,
        source=source,
        round=number,
        shown_at=shown_at,
        decided_at=decided_at,
        present=tuple(json.loads(present)) if present else (),
        absent=tuple(json.loads(absent)) if absent else (),
    )


def _require_sound(chunk: Sequence[Decision]) -> None:
    problems: Iterator[str] = filter(None, (d.problem() for d in chunk))
    if found := list(islice(problems, 10)):
        raise FieldmarkError.from_problems("Nothing was added; these are no decisions:", found)
