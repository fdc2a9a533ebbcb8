"""Going on elsewhere from the newest whole snapshot of a run."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from classification.errors import FieldmarkError
from classification.files import atomic_path, sha256_bytes
from classification.launch.snapshots import SEALS, BrokenError, Entry, blocks, matches, parse
from classification.paths import CheckpointPaths, RunPaths


class Source(Protocol):
    """Where snapshots are read from: a folder, or a prefix in S3."""

    def sizes(self) -> Mapping[str, int]:
        """Size of every file, by its name relative to the checkpoint folder."""
        ...

    def read(self, name: str) -> bytes:
        """Content of one file."""
        ...


@dataclass(frozen=True)
class Folder:
    """Snapshots in a folder."""

    root: Path

    def sizes(self) -> dict[str, int]:
        """Size of every file."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.stat().st_size for path in files}

    def read(self, name: str) -> bytes:
        """Content of one file."""
        return (self.root / name).read_bytes()


def restore(source: Source, run: RunPaths) -> int | None:
    """Bring a run folder to the newest whole snapshot; its number, or None if there is none.

    Files of the run that the snapshot does not know stay. All files are written before the first
    gets its name, and seals get theirs last.

    Raises:
        FieldmarkError: there are snapshots, but none is whole.
    """
    sizes, store = source.sizes(), CheckpointPaths(Path())
    numbers = sorted(_numbers_in(sizes), reverse=True)
    faults = []
    for number in numbers:
        name = store.snapshot(number).as_posix()
        try:
            entries = parse(source.read(name))
            _require_parts(entries, sizes)
            _write(source, entries, run)
        except BrokenError as fault:
            faults.append(f"snapshot {number}: {fault}")
        else:
            return number
    if faults:
        raise FieldmarkError.from_problems(
            f"no checkpoint of {run.root} is whole; start afresh with --no-resume:", faults
        )
    return None


def _require_parts(entries: list[Entry], sizes: Mapping[str, int]) -> None:
    store = CheckpointPaths(Path())
    for entry in entries:
        found = [sizes.get(store.part(part).as_posix()) for part in entry.parts]
        if None in found or sum(size or 0 for size in found) != entry.size:
            raise BrokenError(f"{entry.path} is not there in full")


def _write(source: Source, entries: list[Entry], run: RunPaths) -> None:
    store = CheckpointPaths(Path())
    seals_first = sorted(entries, key=lambda entry: not matches(entry.path, SEALS))
    with ExitStack() as renames:  # undone in reverse: what is entered first is renamed last
        for entry in seals_first:
            target = run.root / entry.path
            if _is(target, entry):
                continue
            temporary = renames.enter_context(atomic_path(target))
            with temporary.open("wb") as f:
                for part in entry.parts:
                    block = source.read(store.part(part).as_posix())
                    if sha256_bytes(block) != part:
                        raise BrokenError(f"{entry.path} is damaged")
                    f.write(block)


def _is(path: Path, entry: Entry) -> bool:
    """Whether a file is there already."""
    if not path.is_file() or path.stat().st_size != entry.size:
        return False
    return tuple(sha256_bytes(block) for block in blocks(path)) == entry.parts


def _numbers_in(names: Mapping[str, int]) -> list[int]:
    prefix = f"{CheckpointPaths(Path()).snapshots.as_posix()}/"
    found = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    return [int(Path(name).stem) for name in found if Path(name).stem.isdigit()]
