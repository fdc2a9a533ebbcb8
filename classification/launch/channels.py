"""What a job needs of this machine: code, crops, tables, labels and weights, each as one channel.

Everything but the crops lies in S3 under the hash of its content, so what a job was started with
never changes under it. Crops lie under the name of their dataset, with an index of their hashes
from the classification table: a second job sends only those that are new.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from classification.config import RunConfig
from classification.errors import FieldmarkError
from classification.files import sha256_bytes, sha256_file, sha256_lines
from classification.launch.archive import NAME, Archive
from classification.launch.ledgers import ledger_of
from classification.paths import BucketPaths, DatasetPaths, RunPaths

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Upload:
    """One object: a file, or bytes that were made for it."""

    key: str
    size: int
    sha256: str
    source: Path | bytes


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A folder that the container finds under ``/opt/ml/input/data/<name>``."""

    name: str
    prefix: str
    """Key that all its objects begin with."""
    uploads: list[Upload]
    index: str = ""
    """Key of the index of what is there, where the prefix does not follow from the content."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(upload.size for upload in self.uploads)


def plan_channels(
    config: RunConfig, run: RunPaths, archive: Archive, bucket: BucketPaths
) -> list[Channel]:
    """The channels of a job.

    Raises:
        FieldmarkError: a file is missing.
    """
    dataset = DatasetPaths(Path(config.data.dir))
    name = dataset.root.resolve().name
    found = [
        _small("code", bucket.code(archive.digest), {NAME: archive.data}),
        _tables(dataset, bucket, name),
        Channel(
            name="crops",
            prefix=bucket.crops(name),
            uploads=list(_crops(dataset, bucket.crops(name))),
            index=bucket.crop_index(name),
        ),
    ]
    weights = Path(config.backbone.weights)
    if weights.is_file():
        digest = sha256_file(weights)
        key = f"{bucket.weights(digest)}/{weights.name}"
        upload = Upload(key, weights.stat().st_size, digest, weights)
        found.append(Channel(name="weights", prefix=bucket.weights(digest), uploads=[upload]))
    labels = label_channel(config, run, bucket)
    return [*found, labels] if labels else found


def label_channel(config: RunConfig, run: RunPaths, bucket: BucketPaths) -> Channel | None:
    """The decisions of the run; None where there are none."""
    data = ledger_of(config, run)
    if data is None:
        return None
    prefix = bucket.labels(run_name(run), sha256_bytes(data))
    return _small("labels", prefix, {run.labels.name: data})


def run_name(run: RunPaths) -> str:
    """``<model>/<experiment>``."""
    folder = run.root.resolve()
    return f"{folder.parent.name}/{folder.name}"


def _tables(dataset: DatasetPaths, bucket: BucketPaths, name: str) -> Channel:
    files = (dataset.table, dataset.label_index, dataset.splits)
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise FieldmarkError.from_problems(
            "the dataset is not complete; utils/create_classification_dataset.py makes:", missing
        )
    data = {path.name: path.read_bytes() for path in files}
    digest = sha256_lines(f"{sha256_bytes(data[n])} {n}" for n in sorted(data))
    return _small("tables", bucket.tables(name, digest), data)


def _crops(dataset: DatasetPaths, prefix: str) -> Iterator[Upload]:
    """The crops of the table; their hashes are there, and are not computed again."""
    missing = []
    with dataset.table.open(encoding="utf-8-sig", newline="") as f:
        for row in csv.DictReader(f):
            path = dataset.crops / row["path"]
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                missing.append(row["path"])
                continue
            yield Upload(f"{prefix}/{row['path']}", size, row["sha256"], path)
    if missing:
        raise FieldmarkError(
            f"{len(missing)} crops of {dataset.table} are not in {dataset.crops}, for example "
            f"{', '.join(missing[:_SHOWN])}; crop again"
        )


def _small(name: str, prefix: str, files: dict[str, bytes]) -> Channel:
    uploads = [
        Upload(f"{prefix}/{file}", len(data), sha256_bytes(data), data)
        for file, data in sorted(files.items())
    ]
    return Channel(name=name, prefix=prefix, uploads=uploads)
