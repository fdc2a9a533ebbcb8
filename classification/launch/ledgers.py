"""Label decisions travelling between here and a job: copied whole, and added where they lack."""

import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from classification.config import RunConfig
from classification.labelling.decisions import Decision
from classification.labelling.store import LabelStore
from classification.launch.snapshots import ledger_copy
from classification.paths import RunPaths


def ledger_of(config: RunConfig, run: RunPaths) -> bytes | None:
    """All decisions of a run as one SQLite file; None where there are none.

    A job cannot reach, or log in to, the database of a team: it gets a copy.
    """
    if not config.labels.store:
        return ledger_copy(run.labels) if run.labels.exists() else None
    with TemporaryDirectory() as folder:
        copy = Path(folder) / run.labels.name
        LabelStore(copy).add(LabelStore(config.labels.store).history())
        return ledger_copy(copy)


def merge_ledger(store: LabelStore, other: Path) -> int:
    """Append the decisions of the ledger `other` that `store` lacks, in their order; how many."""
    with TemporaryDirectory() as folder:  # `other` may lie where nothing can be written
        copy = Path(shutil.copy(other, folder))
        theirs = LabelStore(copy).history()
    known, lacking = Counter(map(repr, store.history())), list[Decision]()
    for decision in theirs:
        if known[repr(decision)]:
            known[repr(decision)] -= 1
        else:
            lacking.append(decision)
    return store.add(lacking)
