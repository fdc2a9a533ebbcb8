"""Giving a job on AWS the rounds that were played here, and reading what it has."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from classification.files import sha256_bytes
from classification.launch.aws import Aws, split_uri
from classification.launch.channels import Upload
from classification.launch.fetch import Stored, fetch
from classification.launch.restore import Source, newest_entries
from classification.launch.snapshots import Snapshots
from classification.launch.upload import Sender
from classification.paths import CheckpointPaths, RunPaths


@dataclass(kw_only=True)
class Remote:
    """Snapshots in S3."""

    aws: Aws
    uri: str
    _here: Path | None = None

    def sizes(self) -> Mapping[str, int]:
        """Size of every file, by its name below the address."""
        bucket, prefix = split_uri(self.uri)
        found = self.aws.pages(
            "s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=f"{prefix}/"
        )
        return {item["Key"].removeprefix(f"{prefix}/"): item["Size"] for item in found}

    def read(self, name: str) -> bytes:
        """Content of one file."""
        if self._here and (self._here / name).exists():
            return (self._here / name).read_bytes()
        bucket, prefix = split_uri(self.uri)
        answer = self.aws.call("s3", "get_object", Bucket=bucket, Key=f"{prefix}/{name}")
        return answer["Body"].read()

    @contextmanager
    def at_hand(self, names: Iterable[str], *, near: Path) -> Iterator[None]:
        """Bring these files by many threads, to be read from a folder in `near`.

        Raises:
            FieldmarkError: some could not be had.
        """
        sizes = self.sizes()
        wanted = [Stored(name, sizes[name], 0.0) for name in sorted(set(names))]
        near.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=near, suffix=".tmp") as folder:
            fetch(self.aws, self.uri, Path(folder), wanted)
            self._here = Path(folder)
            try:
                yield
            finally:
                self._here = None


def seed(aws: Aws, sender: Sender, run: RunPaths, uri: str) -> None:
    """Send a snapshot of this run folder if it has more rounds than the newest one there.

    So a run that was begun on this machine goes on there, and one that is ahead there is left.
    """
    here = len(run.complete_rounds())
    if not here:
        return
    number, there = _rounds(Remote(aws=aws, uri=uri))
    if there >= here:
        return
    _, prefix = split_uri(uri)
    with TemporaryDirectory() as folder:
        store = CheckpointPaths(Path(folder))
        Snapshots(run=run, store=store).take(number=number + 1)
        for path in [*sorted(store.parts.iterdir()), *store.snapshots.iterdir()]:
            data = path.read_bytes()
            key = f"{prefix}/{path.relative_to(store.root).as_posix()}"
            sender.put(Upload(key, len(data), sha256_bytes(data), data))
    print(f"{here} rounds of this machine sent; the job goes on after them")


def _rounds(source: Source) -> tuple[int, int]:
    """Number of the newest whole snapshot, 0 if none, and how many complete rounds it has."""
    found = newest_entries(source)
    if found is None:
        return 0, 0
    number, entries = found
    return number, sum(Path(entry.path).match("rounds/*/metrics.json") for entry in entries)
