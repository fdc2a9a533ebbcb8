"""What a run has to do, given what is on disk and what the ledger knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from classification.data.download.items import Item
from classification.data.download.ledger import Ledger
from classification.data.download.record import Record
from classification.errors import FieldmarkError


@dataclass(frozen=True)
class Job:
    """A file to fetch, or to check where one is on disk."""

    item: Item
    known: Record | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Jobs, and the number of files that are right as far as size and time tell."""

    present: int
    jobs: list[Job]


def plan(
    items: Sequence[Item],
    ledger: Ledger,
    root: Path,
    *,
    verify: bool = False,
    accept_other_source: bool = False,
) -> Plan:
    """Compare disk and ledger, without reading any file.

    Raises:
        FieldmarkError: files here came from addresses that none of `items` names.
    """
    present, jobs, foreign = 0, [], []
    for item in items:
        known = ledger.get(item.path)
        if known and known.ok and known.source and known.source not in item.addresses:
            foreign.append((item, known))
        if known and not verify and _unchanged(known, root / item.path):
            present += 1
        else:
            jobs.append(Job(item, known))
    if foreign and not accept_other_source:
        item, known = foreign[0]
        raise FieldmarkError(
            f"{len(foreign):,} files in {root} came from elsewhere: {item.path} is from "
            f"{known.source}, not {item.addresses[0]}. Choose another --output-dir for another "
            "dataset; if both addresses hold the same images, give --accept-other-source."
        )
    return Plan(present=present, jobs=jobs)


def _unchanged(known: Record, path: Path) -> bool:
    if not known.ok:
        return False
    try:
        stat = path.stat()
    except OSError:
        return False
    return (stat.st_size, stat.st_mtime_ns) == (known.size, known.mtime_ns)
