"""Bringing what lies under an S3 address here, at the speed of the line and not of Python."""

import os
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from classification.data.download.pool import as_done
from classification.data.download.web import TransferError
from classification.errors import FieldmarkError
from classification.files import atomic_path
from classification.launch.aws import Aws, split_uri
from classification.launch.readers import Reader, make_reader
from classification.paths import is_safe_name

THREADS = 16
_TRIES = 6
_FIRST_WAIT = 0.5  # seconds; each next one is twice the last, times a random share
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Stored:
    """An object below the address."""

    name: str
    """Relative to the address."""
    size: int
    modified: float
    """Seconds since 1970."""


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What a call did."""

    files: int
    bytes: int
    kept: int
    """Files that were here already."""


def stored(aws: Aws, uri: str) -> list[Stored]:
    """Everything below an address, by name.

    Raises:
        FieldmarkError, UnreachableError: S3 refuses or does not answer.
    """
    bucket, prefix = split_uri(uri)
    start = f"{prefix}/" if prefix else ""
    found = aws.pages("s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=start)
    return [
        Stored(item["Key"].removeprefix(start), item["Size"], item["LastModified"].timestamp())
        for item in found
        if not item["Key"].endswith("/")  # the console makes these for folders
    ]


def fetch(
    aws: Aws,
    uri: str,
    folder: Path,
    objects: Iterable[Stored],
    *,
    threads: int = THREADS,
    arrived: Callable[[Stored], object] = lambda item: None,
) -> Fetched:
    """Bring objects into `folder`, each whole or not at all, under their names.

    A file of the same size that is not older than the object is taken for it.

    Args:
        aws: clients.
        uri: address that the names are relative to.
        folder: made where it is missing.
        objects: what to bring.
        threads: at the same time.
        arrived: told of each object that came.

    Raises:
        FieldmarkError: names that leave the folder, or objects that could not be had; the others
            are here, and the same call goes on from there.
    """
    wanted = list(objects)
    if unsafe := [item.name for item in wanted if not is_safe_name(item.name)]:
        raise FieldmarkError(f"{uri} has names that leave the folder, such as {unsafe[0]!r}")
    todo = [item for item in wanted if not _is_here(folder / item.name, item)]
    bucket, prefix = split_uri(uri)
    reader, stop = make_reader(aws, bucket, threads=threads), Event()
    for parent in {(folder / item.name).parent for item in todo}:
        parent.mkdir(parents=True, exist_ok=True)

    def bring(item: Stored) -> tuple[Stored, str]:
        key = f"{prefix}/{item.name}" if prefix else item.name
        return item, _bring(reader, key, folder / item.name, item, stop)

    failed: list[str] = []
    for item, fault in as_done(bring, todo, threads=threads, stop=stop):
        if fault:
            failed.append(f"{item.name}: {fault}")
        else:
            arrived(item)
    if failed:
        raise FieldmarkError.from_problems(
            f"{len(failed)} of {len(todo)} objects of {uri} could not be had; run the same command "
            "again for them:",
            sorted(failed)[:_SHOWN],
        )
    kept = len(wanted) - len(todo)
    return Fetched(files=len(todo), bytes=sum(item.size for item in todo), kept=kept)


def _bring(reader: Reader, key: str, target: Path, item: Stored, stop: Event) -> str:
    """Bring one object, with patience; why that was not possible, or an empty text."""
    wait, fault = _FIRST_WAIT, ""
    for _ in range(_TRIES):
        if stop.is_set():
            return "interrupted"
        try:
            with (
                reader.blocks(key) as blocks,
                atomic_path(target, durable=False) as temporary,
                temporary.open("wb") as f,
            ):
                size = sum(map(f.write, blocks))
                if size != item.size:
                    raise TransferError("incomplete", f"{size} of {item.size} bytes", retry=True)
            os.utime(target, (item.modified, item.modified))
            return ""
        except TransferError as error:
            fault = str(error)
            if not error.retry:
                break
            stop.wait(random.uniform(0, wait))
            wait *= 2
    return fault


def _is_here(path: Path, item: Stored) -> bool:
    try:
        there = path.stat()
    except OSError:
        return False
    return there.st_size == item.size and there.st_mtime >= int(item.modified)
