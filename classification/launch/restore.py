"""Going on elsewhere from the newest whole snapshot of a run."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
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

    def at_hand(self, names: Iterable[str], *, near: Path) -> AbstractContextManager[object]:
        """These files are read within the context: all may be brought at once before, to a disk
        that has room for them: that of the folder `near`."""
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

    def at_hand(self, names: Iterable[str], *, near: Path) -> AbstractContextManager[object]:
        """They are here."""
        del names, near
        return nullcontext()


def restore(
    source: Source, run: RunPaths, *, merge: Callable[[Path], object] | None = None
) -> int | None:
    """Bring a run folder to the newest whole snapshot; its number, or None if there is none.

    Files of the run that the snapshot does not know stay. All files are written before the first
    gets its name, and seals get theirs last.

    Args:
        source: where the snapshots are.
        run: the run folder.
        merge: is given the snapshot's label ledger, which then does not replace the one here: the
            decisions that people made here meanwhile would be lost, and its log would be another
            file's.

    Raises:
        FieldmarkError: there are snapshots, but none is whole.
    """
    faults: list[str] = []
    for number, entries in _whole(source, faults):
        try:
            _write(source, entries, run, merge)
        except BrokenError as fault:
            faults.append(f"snapshot {number}: {fault}")
        else:
            return number
    if faults and _numbers_in(source.sizes()) != [1]:  # the very first may be on its way
        raise FieldmarkError.from_problems(
            f"no checkpoint of {run.root} is whole; start afresh with --no-resume:", faults
        )
    return None


def newest_entries(source: Source) -> tuple[int, list[Entry]] | None:
    """Number and files of the newest snapshot all of whose parts are there."""
    return next(_whole(source, []), None)


def _whole(source: Source, faults: list[str]) -> Iterator[tuple[int, list[Entry]]]:
    """Snapshots all of whose parts are there, newest first; of the others, why not."""
    sizes, store = source.sizes(), CheckpointPaths.relative()
    for number in sorted(_numbers_in(sizes), reverse=True):
        try:
            entries = parse(source.read(store.snapshot(number).as_posix()))
            _require_parts(entries, sizes)
        except BrokenError as fault:
            faults.append(f"snapshot {number}: {fault}")
        else:
            yield number, entries


def _require_parts(entries: list[Entry], sizes: Mapping[str, int]) -> None:
    store = CheckpointPaths.relative()
    for entry in entries:
        found = [sizes.get(store.part(part).as_posix()) for part in entry.parts]
        if None in found or sum(size or 0 for size in found) != entry.size:
            raise BrokenError(f"{entry.path} is not there in full")


def _write(
    source: Source, entries: list[Entry], run: RunPaths, merge: Callable[[Path], object] | None
) -> None:
    store = CheckpointPaths.relative()
    ledger = next((e for e in entries if run.root / e.path == run.labels), None)
    kept = ledger if merge else None
    new = [e for e in entries if e is kept or not _is(run.root / e.path, e)]
    names = (store.part(part).as_posix() for entry in new for part in entry.parts)
    seals_first = sorted(new, key=lambda entry: not matches(entry.path, SEALS))
    # renames are undone in reverse: what is entered first is renamed last
    with source.at_hand(names, near=run.root), ExitStack() as renames:
        for entry in seals_first:
            if entry is not kept:
                target = renames.enter_context(atomic_path(run.root / entry.path))
                _copy(source, entry, target)
        if merge and ledger:
            folder = Path(renames.enter_context(TemporaryDirectory()))
            _copy(source, ledger, folder / run.labels.name)
            merge(folder / run.labels.name)


def _copy(source: Source, entry: Entry, target: Path) -> None:
    store = CheckpointPaths.relative()
    with target.open("wb") as f:
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
    prefix = f"{CheckpointPaths.relative().snapshots.as_posix()}/"
    found = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    return [int(Path(name).stem) for name in found if Path(name).stem.isdigit()]
