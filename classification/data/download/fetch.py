"""One file: from any of its addresses, with patience, checked before it gets its name."""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from classification.data.download.content import fault
from classification.data.download.items import Item
from classification.data.download.record import Record
from classification.data.download.web import Body, TransferError, Web
from classification.files import atomic_path, sha256_file


class StoppedError(Exception):
    """The run was interrupted; the file is left as it was."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Exponential backoff with full jitter (AWS Architecture Blog, 2015)."""

    retries: int = 5
    """Further tries per address."""
    base: float = 0.5
    """Seconds: the mean of the first wait is half of it, each next one twice the last."""
    longest: float = 20.0
    """Seconds: no single wait is longer."""

    def wait(self, repeat: int) -> float:
        """Seconds before try number `repeat` (from 1) at an address that failed before."""
        return random.uniform(0, min(self.longest, self.base * 2 ** (repeat - 1)))


@dataclass(frozen=True)
class Settled:
    """What became of a file."""

    record: Record
    fetched: bool
    """False where the file on disk was right, and where it failed."""


class Settler:
    """Makes files be there, each on its own: many threads may share one."""

    def __init__(
        self,
        root: Path,
        *,
        web: Web,
        patience: Patience,
        stop: Event,
        keep_truncated: bool = False,
        on_bytes: Callable[[int], object] = lambda number: None,
    ) -> None:
        """Make a settler.

        Args:
            root: folder that the items' paths start from.
            web: where files come from.
            patience: how long to go on with one.
            stop: once set, waits and transfers end.
            keep_truncated: accept an image that its archive holds truncated.
            on_bytes: told of every block that arrives.
        """
        self._root, self._web, self._patience, self._stop = root, web, patience, stop
        self._keep_truncated, self._on_bytes = keep_truncated, on_bytes

    def settle(self, item: Item, known: Record | None) -> Settled:
        """See to one file, until it is there and whole or there is no hope.

        Args:
            item: what to fetch.
            known: what the ledger says of a file of this name, to be checked if it is on disk.

        Raises:
            StoppedError: interrupted.
            FieldmarkError: the disk is full or read-only; no other file would fare better.
        """
        target = self._root / item.path
        try:
            if kept := self._kept(item, target, known):
                return Settled(kept, fetched=False)
            record = self.fetch(item)
        except OSError as error:  # a file where a folder should be, say
            record = Record.failed(item.path, "cannot_write", str(error))
        return Settled(record, fetched=record.ok)

    def _kept(self, item: Item, target: Path, known: Record | None) -> Record | None:
        """A record for the file on disk if it is right, else None."""
        if not target.is_file():
            return None
        stat, sha256 = target.stat(), sha256_file(target)
        if known and known.ok:
            right = (known.size, known.sha256) == (stat.st_size, sha256)
        else:  # left by a killed run or by another tool
            right = not fault(target, item.path) and stat.st_size == self._remote_size(item)
        if not right:
            return None
        return Record(
            path=item.path,
            status="ok",
            size=stat.st_size,
            mtime_ns=stat.st_mtime_ns,
            etag=known.etag if known else "",
            sha256=sha256,
            source=known.source if known else "",
        )

    def _remote_size(self, item: Item) -> int | None:
        for address in item.addresses:
            try:
                return self._web.size(address)
            except TransferError:
                continue
        return None

    def fetch(self, item: Item) -> Record:
        """Fetch a file whatever is on disk; its old content stays until the new one is whole.

        Every address is tried in turn, and all again after a wait, while there is hope for one.
        """
        target = self._root / item.path
        alive = list(item.addresses)
        seen: set[tuple[str, str]] = set()  # contents that were bad, by address
        address, last = "", TransferError("no_address", "no address for this file")
        for repeat in range(self._patience.retries + 1):
            if repeat:
                self._pause(max(last.wait, self._patience.wait(repeat)))
            for address in tuple(alive):
                try:
                    return self._attempt(item, address, target, seen)
                except TransferError as error:
                    last = error
                    if not error.retry:
                        alive.remove(address)
            if not alive:
                break
        return Record.failed(item.path, last.reason, last.detail, source=address)

    def _attempt(
        self, item: Item, address: str, target: Path, seen: set[tuple[str, str]]
    ) -> Record:
        with self._web.open(address) as body, atomic_path(target) as temporary:
            size, sha256 = self._save(body, temporary)
            if reason := fault(temporary, item.path):
                # an error page is no archived image: it may be gone at the next try
                final = reason != "not_image" and self._published(address, size, sha256, seen)
                if not (final and reason == "truncated" and self._keep_truncated):
                    detail = f"{size} bytes" + (", as published" if final else "")
                    raise TransferError(reason, detail, retry=not final)
        stat = target.stat()
        return Record(
            path=item.path,
            status="ok",
            size=size,
            mtime_ns=stat.st_mtime_ns,
            etag=body.etag,
            sha256=sha256,
            source=address,
        )

    def _published(self, address: str, size: int, sha256: str, seen: set[tuple[str, str]]) -> bool:
        """Whether bad content is what the archive holds: it came twice, and HEAD agrees."""
        again = (address, sha256) in seen
        seen.add((address, sha256))
        try:
            return again and self._web.size(address) == size
        except TransferError:
            return False

    def _save(self, body: Body, temporary: Path) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        with temporary.open("wb") as f:
            for block in body.blocks:
                if self._stop.is_set():
                    raise StoppedError
                digest.update(block)
                size += f.write(block)
                self._on_bytes(len(block))
        return size, digest.hexdigest()

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise StoppedError
