"""The record of a curve on disk, and the tables of all curves."""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classification.comparison.play import Played, Protocol
from classification.errors import FieldmarkError
from classification.files import atomic_path, read_json, write_json
from classification.query.strategy import Strategy
from classification.schemas import RecallTable, ResultTable, check

if TYPE_CHECKING:
    import pandas as pd

    from classification.comparison.task import Task

_UNWRITTEN = 1.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A curve with its place in a comparison; `path` is its record, relative to the folder."""

    task: "Task"
    split: str
    strategy: str
    seed: int
    played: Played
    path: str


def write_curve(path: Path, played: Played, stamp: Mapping[str, Any]) -> None:
    """One JSON record: `stamp`, and the fields of `Played`."""
    write_json(path, {"stamp": stamp, **asdict(played)})


class CurveFile:
    """The record of a curve that is being played: after every round, but at most every second.

    27 records cost 4 % of 27 rounds on frozen embeddings; so a killed process loses a second.
    """

    def __init__(self, path: Path, stamp: Mapping[str, Any], *, rounds: int) -> None:
        self._path, self._stamp, self._rounds = path, stamp, rounds
        self._written = time.monotonic()

    def keep(self, played: Played) -> None:
        """Write, if it is time or the curve is over."""
        over = len(played.rows) > self._rounds or not played.pending
        if over or time.monotonic() - self._written > _UNWRITTEN:
            write_curve(self._path, played, self._stamp)
            self._written = time.monotonic()


def read_curve(path: Path, stamp: Mapping[str, Any] | None = None) -> Played | None:
    """The curve of a record as far as it was played; None where there is no record.

    Raises:
        FieldmarkError: the record is broken, or of another `stamp`.
    """
    if not path.exists():
        return None
    record = read_json(path, what="result of a comparison")
    if stamp is not None:
        _require_same(path, record["stamp"], stamp)
    given = {f.name: record[f.name] for f in fields(Played) if f.name in record}
    recall = given.get("recall", [])
    if recall and not isinstance(recall[0], list):  # of earlier versions: after the last round only
        given["recall"] = [[] for _ in given["rows"][1:]] + [recall]
    return Played(**given)


def read_stamp(path: Path) -> dict[str, Any] | None:
    """What the curve of a record rests on; None where there is no record."""
    return read_json(path, what="result of a comparison")["stamp"] if path.exists() else None


def described(strategy: str | Strategy) -> str:
    """What a strategy is, for the stamp: a name, or an object with its fields."""
    return re.sub(r" at 0x[0-9a-f]+", "", strategy if isinstance(strategy, str) else repr(strategy))


def _require_same(path: Path, found: Mapping[str, Any], stamp: Mapping[str, Any]) -> None:
    changed = [key for key in stamp if not same_basis(found, stamp, key)]
    if changed:
        # Another strategy or other options concern its own curves only.
        own = set(changed) <= {"strategy", "options"}
        raise FieldmarkError(
            f"{path} is a result of other {', '.join(changed)}; such results cannot stand in one "
            "table. "
            + (f"Give it another name, or delete {path.parent}." if own
               else f"Use another folder, or delete {path.parent.parent.parent}.")
        )  # fmt: skip


def same_basis(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> bool:
    """Whether two stamps agree in `key`; earlier ones lack the strategy."""
    if key == "strategy" and (key not in one or key not in other):
        return True
    return _basis(one, key) == _basis(other, key)


def _basis(stamp: Mapping[str, Any], key: str) -> Any:
    """A part of a stamp; the number of rounds is free, since more rounds go on with the same."""
    value = stamp.get(key)
    return asdict(Protocol()) | value | {"rounds": 0} if key == "protocol" and value else value


def first_rounds(played: Played, rounds: int) -> Played:
    """A curve without what comes after round `rounds`."""
    rows = played.rows[: rounds + 1]
    return Played(
        rows=rows,
        queries=played.queries[: int(rows[-1]["num_labels"])] if rows else [],
        recall=played.recall[: rounds + 1],
    )


def write_tables(
    results: Path, recall: Path, curves: Iterable[Curve]
) -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """Write both tables of a comparison; see `ResultTable` and `RecallTable`."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    by_class: list[dict[str, Any]] = []
    for curve in curves:
        rows += _rows(curve)
        by_class += _by_class(curve)
    table = check(pd.DataFrame(rows, columns=_RESULTS), ResultTable, what=results.name)
    classes = check(pd.DataFrame(by_class, columns=_RECALL), RecallTable, what=recall.name)
    for path, content in ((results, table), (recall, classes)):
        with atomic_path(path) as temporary:
            content.to_parquet(temporary, index=False)
    return table, classes


_RESULTS = list(ResultTable.to_schema().columns)
_RECALL = list(RecallTable.to_schema().columns)


def _rows(curve: Curve) -> list[dict[str, Any]]:
    at = _place(curve) | {"split": curve.split, "curve": curve.path}
    none = {"training_seconds": np.nan, "successor_macro_f1": np.nan}
    return [none | at | row for row in curve.played.rows]


def _by_class(curve: Curve) -> list[dict[str, Any]]:
    at, classes = _place(curve), curve.task.classes
    labels = curve.task.labels[np.array(curve.played.queries, dtype=np.intp)]
    found = []
    for row, recall in zip(curve.played.rows, curve.played.recall, strict=True):
        asked = np.bincount(labels[: int(row["num_labels"])], minlength=len(classes))
        found += [
            at | {"round": row["round"], "label": name, "recall": value, "queried": int(n)}
            for name, value, n in zip(classes, recall or [None] * len(classes), asked, strict=True)
        ]
    return found


def _place(curve: Curve) -> dict[str, Any]:
    return {
        "task": curve.task.name,
        "model": curve.task.model,
        "strategy": curve.strategy,
        "seed": curve.seed,
    }
