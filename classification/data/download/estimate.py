"""How much, how long, and is there room? Answered from a sample before anything is fetched."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from threading import Event

from classification.data.download.items import Item
from classification.data.download.pool import as_done
from classification.data.download.web import TransferError, Web
from classification.errors import FieldmarkError

_RESERVE = 1 << 30  # bytes to leave free on the disk
_TIMED_PER_THREAD = 2  # files read per thread to measure the rate


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Size of a download, from a sample of its files."""

    files: int
    sampled: int
    """Files that told their size."""
    mean_bytes: float
    bytes_per_second: float = 0.0
    """Measured; 0 where it was not."""

    @property
    def bytes(self) -> float:
        """All files together."""
        return self.files * self.mean_bytes

    @property
    def seconds(self) -> float:
        """At the measured rate."""
        return self.bytes / self.bytes_per_second if self.bytes_per_second else float("nan")


def estimate(
    items: Sequence[Item], *, web: Web, threads: int, sample: int, timed: bool = False
) -> Estimate | None:
    """Size of all `items` from the headers of `sample` of them; None where no server tells.

    Args:
        items: files to fetch.
        web: where from.
        threads: requests at the same time.
        sample: files to ask about, spread over the list.
        timed: also read two files per thread, and throw them away, for the rate.
    """

    def size(item: Item) -> int | None:
        return _first_answer(item, web.size)

    def read(item: Item) -> int | None:
        return _first_answer(item, lambda address: _read(web, address))

    sizes = list(as_done(size, _spread(items, sample), threads=threads, stop=Event()))
    known = [s for s in sizes if s is not None]
    if not known:
        return None
    rate = 0.0
    if timed:
        chosen, started = _spread(items, threads * _TIMED_PER_THREAD), time.monotonic()
        received = sum(n or 0 for n in as_done(read, chosen, threads=threads, stop=Event()))
        rate = received / (time.monotonic() - started)
    return Estimate(
        files=len(items), sampled=len(known), mean_bytes=mean(known), bytes_per_second=rate
    )


def free_bytes(folder: Path) -> int:
    """Free space on the disk that `folder` is on, or will be on."""
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    return shutil.disk_usage(there).free


def check_room(expected: Estimate, folder: Path) -> None:
    """Raise a FieldmarkError where the disk cannot take the download with 1 GiB left."""
    free = free_bytes(folder)
    if expected.bytes + _RESERVE > free:
        raise FieldmarkError(
            f"{expected.files:,} files need about {gigabytes(expected.bytes)} in {folder}, where "
            f"{gigabytes(free)} are free (1.1 GB of them are kept free). Make room, choose another "
            "--output-dir, or select fewer images. Nothing was fetched."
        )


def gigabytes(number: float) -> str:
    """Bytes for people, in powers of ten as disks are sold."""
    return f"{number / 1e9:.1f} GB" if number >= 1e8 else f"{number / 1e6:.1f} MB"


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds != seconds:
        return "an unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _spread(items: Sequence[Item], number: int) -> Sequence[Item]:
    step = max(1, len(items) // max(1, number))
    return items[::step][:number]


def _first_answer(item: Item, ask: Callable[[str], int | None]) -> int | None:
    for address in item.addresses:
        try:
            return ask(address)
        except TransferError:
            continue
    return None


def _read(web: Web, address: str) -> int:
    with web.open(address) as body:
        return sum(map(len, body.blocks))
