"""Snapshots of a run folder that is being written to.

A managed job may vanish at any moment, and its checkpoint folder is copied to S3 file by file, in
any order and while it changes. So nothing in it is ever changed: files are stored as parts named
by their SHA-256, and a snapshot is a list of files made of such parts, written after them. The
newest snapshot all of whose parts arrived is the state to go on from. Parts that did not change
between two snapshots are stored, and sent, once. What is dropped here is deleted there, too, maybe
before what takes its place has arrived: so it is dropped late.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from classification.files import sha256_bytes, write_bytes, write_json
from classification.paths import CheckpointPaths, RunPaths, is_safe_name
from classification.paths.runs import BEFORE

PART = 64 << 20  # bytes: an array that grows sends its new end, not all of it
_KEPT = 3  # snapshots: one that did not arrive whole has predecessors
SEALS = ("rounds/*/metrics.json", "embeddings/*.json", "export/model.json")
"""Records that say that other files are whole; read before those files, written after them."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of a snapshot."""

    path: str
    """Relative to the run folder, with forward slashes."""
    size: int
    parts: tuple[str, ...]
    """SHA-256 of each part, in order."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What taking a snapshot did."""

    number: int
    files: int
    new_bytes: int


@dataclass(kw_only=True)
class Snapshots:
    """Takes snapshots of one run folder into one checkpoint folder."""

    run: RunPaths
    store: CheckpointPaths
    grace: float = 900.0
    """Seconds for which a snapshot stays at least."""
    _known: dict[Path, tuple[tuple[int, int], Entry]] = field(default_factory=dict)

    def take(self, number: int = 0) -> Taken:
        """Store the run as it is now; safe while rounds are being played.

        Args:
            number: of the snapshot; 0: the next one.

        Raises:
            FieldmarkError: the disk is full; the snapshots there are stay whole.
        """
        new, sealed = 0, sorted(_existing(self.run.root, SEALS))
        # seals first: what they vouch for is then older than they are, and read later
        entries = []
        for path in [*sealed, *(p for p in _files(self.run) if p not in sealed)]:
            entry, stored = self._entry(path)
            if entry is not None:
                entries.append(entry)
                new += stored
        number = number or max(_numbers(self.store), default=0) + 1
        write_json(self.store.snapshot(number), [asdict(entry) for entry in entries])
        self._prune()
        return Taken(number=number, files=len(entries), new_bytes=new)

    def _entry(self, path: Path) -> tuple[Entry | None, int]:
        """The stored form of a file, and how many bytes had to be stored for it."""
        try:
            stat = path.stat()
            mark = (stat.st_size, stat.st_mtime_ns)
            known = self._known.get(path)
            if known and known[0] == mark and path != self.run.labels:
                return known[1], 0
            parts, size, stored = [], 0, 0
            for block in [ledger_copy(path)] if path == self.run.labels else blocks(path):
                digest = sha256_bytes(block)
                target = self.store.part(digest)
                if not target.exists():
                    write_bytes(target, block)
                    stored += len(block)
                parts.append(digest)
                size += len(block)
        except FileNotFoundError:  # set aside meanwhile
            return None, 0
        name = path.relative_to(self.run.root).as_posix()
        entry = Entry(path=name, size=size, parts=tuple(parts))
        self._known[path] = (mark, entry)
        return entry, stored

    def _prune(self) -> None:
        """Drop old snapshots and the parts that only they were made of."""
        numbers = sorted(_numbers(self.store))
        paths = {number: self.store.snapshot(number) for number in numbers[:-_KEPT]}
        dropped = [n for n, p in paths.items() if time.time() - p.stat().st_mtime >= self.grace]
        for number in dropped:
            paths[number].unlink()
        used = {
            part
            for number in set(numbers) - set(dropped)
            for entry in parse(self.store.snapshot(number).read_bytes())
            for part in entry.parts
        }
        for path in self.store.parts.glob("*"):
            if path.name not in used:
                path.unlink()


class BrokenError(Exception):
    """A snapshot that did not arrive whole."""


def parse(data: bytes) -> list[Entry]:
    """The files of a snapshot.

    Raises:
        BrokenError: it is not one.
    """
    try:
        found = [Entry(**{**e, "parts": tuple(e["parts"])}) for e in json.loads(data)]
    except (ValueError, TypeError, KeyError) as error:
        raise BrokenError(f"not a list of files ({error})") from None
    if not all(is_safe_name(entry.path) for entry in found):
        raise BrokenError("a name leaves the run folder")
    return found


def _files(run: RunPaths) -> Iterator[Path]:
    """Everything that a run makes, without what belongs to this machine: snapshots before the
    newest hold the state of a training before the newest."""
    for output in run.outputs:
        if output.name.endswith(("-wal", "-shm")):
            continue
        found = sorted(output.rglob("*")) if output.is_dir() else [output]
        yield from (
            p
            for p in found
            if p.is_file() and not p.name.endswith((".tmp", BEFORE)) and not _seal(run, p)
        )


def _seal(run: RunPaths, path: Path) -> bool:
    """A record that came after the others were listed: it may vouch for what was not read."""
    return matches(path.relative_to(run.root).as_posix(), SEALS)


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name fits to one of some patterns."""
    return any(Path(name).match(pattern) for pattern in patterns)


def _existing(root: Path, patterns: tuple[str, ...]) -> set[Path]:
    return {path for pattern in patterns for path in root.glob(pattern)}


def blocks(path: Path) -> Iterator[bytes]:
    """A file in pieces of `PART` bytes."""
    with path.open("rb") as f:
        while block := f.read(PART):
            yield block


def ledger_copy(path: Path) -> bytes:
    """A consistent copy of the label ledger, which others may be writing to."""
    if not path.exists():
        raise FileNotFoundError(path)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return copy.read_bytes()


def _numbers(store: CheckpointPaths) -> list[int]:
    return [int(path.stem) for path in store.snapshots.glob("*.json")]
