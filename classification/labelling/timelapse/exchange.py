"""Taking in what people labelled in Timelapse."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from classification.files import atomic_open, sha256_file
from classification.labelling.decisions import NO_LABEL, Decision
from classification.labelling.leases import Overlap
from classification.labelling.store import LabelStore
from classification.labelling.timelapse.returned import find_returned, read_returned
from classification.labelling.timelapse.rows import Returned, sort_rows
from classification.paths.labels import TimelapsePaths

if TYPE_CHECKING:
    import pandas as pd

SUCCESS = "Labels were loaded successfully"
_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for, and how answers are to be read."""

    items: list[str]
    """Every item of the dataset."""
    query: Sequence[str]
    """The items asked for."""
    round: int
    classes: Sequence[str]
    annotator: str
    accept_new: bool = False
    overlap: Overlap = field(default_factory=Overlap)


def take_in_new(store: LabelStore, request: Request, paths: TimelapsePaths) -> list[str]:
    """Take in the first CSV of `new_labels_bin` that was not taken in before.

    The file stays where it is; its content is remembered in the store together with its labels.

    Returns:
        What to tell people, one line each; empty if there is no new file.
    """
    for path in find_returned(paths.returned):
        key = _key(path, request)
        if not store.has_file(key):
            return take_in(store, request, path, key=key, problems=paths.problems)
    return []


def _key(path: Path, request: Request) -> str:
    """What a file that was taken in is known by; what was refused then may be accepted now."""
    return sha256_file(path) + (":new_classes" if request.accept_new else "")


def take_in(
    store: LabelStore, request: Request, path: Path, *, key: str, problems: Path
) -> list[str]:
    """Take in one returned CSV: what is good is stored, the rest is listed in `problems`.

    Args:
        store: gets the decisions and, with them, the file's `key`.
        request: what was asked for.
        path: CSV with File, RelativePath and Species.
        key: what the file will be known by.
        problems: where to list rows that could not be taken.

    Returns:
        What to tell people, one line each.

    Raises:
        FieldmarkError: not such a CSV, or the store cannot be written; nothing was taken.
    """
    mine = (d for (_, who), d in store.by_annotator().items() if who == request.annotator)
    answered = {d.item: d.label or d.verdict for d in mine if d.verdict != "skip"}
    waiting = store.undecided(request.query, request.overlap)
    found = sort_rows(
        read_returned(path),
        items=request.items,
        wanted=[item for item in waiting if item not in answered],
        known=answered,
        classes=request.classes,
        accept_new=request.accept_new,
    )
    # in order of name, as the index of the store is: 1 million rows in half the time
    decisions = (_decision(item, found.answers[item], request) for item in sorted(found.answers))
    store.add(decisions, file=(key, path.name))
    write_problems(problems, found.problems)
    if request.overlap.share:
        waiting = store.undecided(waiting, request.overlap)
    else:
        waiting = [item for item in waiting if item not in found.answers]
    return _report(path, found, waiting=len(waiting), problems=problems)


def _decision(item: str, answer: str, request: Request) -> Decision:
    is_label = answer in request.classes or answer not in NO_LABEL
    return Decision(
        item=item,
        verdict="label" if is_label else answer,
        label=answer if is_label else None,
        annotator=request.annotator,
        source="timelapse",
        round=request.round,
    )


def write_problems(path: Path, problems: "pd.DataFrame") -> None:
    """Write the rows that were not taken; an earlier list goes away when there are none."""
    if problems.empty:
        path.unlink(missing_ok=True)
        return
    with atomic_open(path) as f:
        problems.to_csv(f, index=False, lineterminator="\n")


def _report(path: Path, found: Returned, *, waiting: int, problems: Path) -> list[str]:
    lines = [] if len(found.problems) else [SUCCESS]
    lines.append(f"{path.name}: {len(found.answers)} labels taken")
    lines += [f"  {note}" for note in found.notes]
    if found.new_classes:
        lines.append(f"  new classes: {', '.join(found.new_classes)}")
    if waiting:
        lines.append(f"  {waiting} selected images are not labelled yet and are asked for again")
    if len(found.problems):
        lines.append(f"  {len(found.problems)} rows not taken, listed in {problems}:")
        shown = found.problems.head(_SHOWN)
        lines += [f"    row {r.row}: {r.File}: {r.problem}" for r in shown.itertuples()]
    return lines


def wait_for_file(
    paths: TimelapsePaths,
    store: LabelStore,
    request: Request,
    *,
    poll: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Wait until a new CSV lies in `new_labels_bin` and no longer grows; returns it."""
    seen: dict[Path, tuple[int, int]] = {}
    known: set[tuple[Path, tuple[int, int]]] = set()
    while True:
        for path in find_returned(paths.returned):
            facts = path.stat()
            state = (facts.st_size, facts.st_mtime_ns)
            if seen.get(path) == state and (path, state) not in known:
                if not store.has_file(_key(path, request)):
                    return path
                known.add((path, state))
            seen[path] = state
        sleep(poll)
