"""Label decisions, and flags of what is kept for validation, travelling between here and a job:
copied whole, and added where they lack."""

import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from classification.config import RunConfig
from classification.labelling.flags import add_flags, flag_history
from classification.labelling.store import LabelStore
from classification.launch.snapshots import ledger_copy
from classification.paths import RunPaths

_Entry = TypeVar("_Entry")


def ledger_of(config: RunConfig, run: RunPaths) -> bytes | None:
    """All decisions of a run as one SQLite file; None where there are none.

    A job cannot reach, or log in to, the database of a team: it gets a copy.
    """
    if not config.labels.store:
        return ledger_copy(run.labels) if run.labels.exists() else None
    with TemporaryDirectory() as folder:
        copy = Path(folder) / run.labels.name
        merge_stores(LabelStore(copy), LabelStore(config.labels.store))
        return ledger_copy(copy)


def merge_ledger(store: LabelStore, other: Path) -> int:
    """Append what the ledger `other` holds and `store` lacks; how many decisions that were."""
    with TemporaryDirectory() as folder:  # `other` may lie where nothing can be written
        return merge_stores(store, LabelStore(Path(shutil.copy(other, folder))))


def merge_stores(store: LabelStore, other: LabelStore) -> int:
    """As `merge_ledger`, in the order of `other`."""
    add_flags(store, _lacking(flag_history(store), flag_history(other)))
    return store.add(_lacking(store.history(), other.history()))


def _lacking(ours: Iterable[_Entry], theirs: Iterable[_Entry]) -> list[_Entry]:
    known, lacking = Counter(map(repr, ours)), list[_Entry]()
    for one in theirs:
        if known[repr(one)]:
            known[repr(one)] -= 1
        else:
            lacking.append(one)
    return lacking
