"""Deleting from S3 those parts of a job's checkpoints that nothing will be gone on from.

AWS copies to S3 what a job adds to its checkpoint folder, not what it deletes there, and copies all
of it to the machine on which the job starts again. The state of a training is four times as large as
the weights, and another one every launch.save_minutes: 29 GB an hour for a ViT-L, 1.1 for a
ResNet-18.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from classification.data.parallel import in_chunks
from classification.errors import FieldmarkError
from classification.launch import UnreachableError
from classification.launch.aws import Aws, default_region, split_uri
from classification.launch.fetch import Stored, stored
from classification.launch.restore import newest_entries
from classification.launch.seed import Remote
from classification.launch.snapshots import BrokenError, parse
from classification.paths import CheckpointPaths

_YOUNG = 3600.0  # seconds: what is younger may belong to a snapshot that is still on its way
_AT_ONCE = 1000  # keys of one call, S3's limit


def sweep(aws: Aws, uri: str, here: CheckpointPaths) -> int:
    """Delete what is superseded; how many bytes that was.

    What stays: the newest snapshot that arrived whole and all after it, those of the last hour,
    what they are made of, and what the machine has. Nothing is deleted where that cannot be told.

    Args:
        aws: clients.
        uri: address of the checkpoints.
        here: those of this machine, which AWS copies there.

    Raises:
        FieldmarkError, UnreachableError: S3 refuses or does not answer.
    """
    there, source = stored(aws, uri), Remote(aws=aws, uri=uri)
    newest = newest_entries(source)
    if newest is None:
        return 0
    old = [item for item in there if time.time() - item.modified > _YOUNG]
    lists = {item.name for item in there if _folder(item) == "snapshots"}
    kept = lists - {item.name for item in old if _number(item.name) < newest[0]}
    try:
        used = {part for name in kept for entry in parse(source.read(name)) for part in entry.parts}
    except BrokenError:
        return 0
    used |= {path.name for path in here.parts.glob("*")}
    superseded = [
        item
        for item in old
        if (_folder(item) == "snapshots" and item.name not in kept)
        or (_folder(item) == "parts" and PurePosixPath(item.name).name not in used)
    ]
    _delete(aws, uri, superseded)
    return sum(item.size for item in superseded)


@dataclass(kw_only=True)
class Sweeper:
    """Sweeps for a job, once an hour; what goes wrong is said and changes nothing."""

    uri: str
    here: CheckpointPaths
    clock: Callable[[], float] = time.monotonic
    _last: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._last = self.clock()

    def maybe(self) -> None:
        """Sweep if it is time."""
        if not self.uri or self.clock() - self._last < _YOUNG:
            return
        self._last = self.clock()
        try:
            swept = sweep(Aws(region=default_region("", "")), self.uri, self.here)
            print(f"superseded checkpoints deleted from S3: {swept / 1e6:.1f} MB", flush=True)
        except (FieldmarkError, UnreachableError) as error:
            print(f"superseded checkpoints stay in S3: {error}", flush=True)


def _folder(item: Stored) -> str:
    store, parent = CheckpointPaths.relative(), Path(item.name).parent
    return {store.snapshots: "snapshots", store.parts: "parts"}.get(parent, "")


def _number(name: str) -> int:
    stem = PurePosixPath(name).stem
    return int(stem) if stem.isdigit() else 0


def _delete(aws: Aws, uri: str, items: Iterable[Stored]) -> None:
    bucket, prefix = split_uri(uri)
    # lists before parts: none is ever without what it is made of
    ordered = sorted(items, key=_folder, reverse=True)
    for chunk in in_chunks(ordered, _AT_ONCE):
        keys = [{"Key": f"{prefix}/{item.name}"} for item in chunk]
        quietly = {"Objects": keys, "Quiet": True}
        answer = aws.call("s3", "delete_objects", Bucket=bucket, Delete=quietly)
        if refused := answer.get("Errors"):
            raise FieldmarkError(f"AWS refused to delete {len(refused)}: {refused[0].get('Code')}")
