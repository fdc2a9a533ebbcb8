"""A processed dataset that jobs on AWS use, brought to this machine: tables and their crops."""

from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from classification.errors import FieldmarkError
from classification.launch.aws import Aws, default_region, split_uri
from classification.launch.fetch import THREADS, Stored, fetch, stored
from classification.paths import BucketPaths, DatasetPaths


@dataclass(frozen=True, kw_only=True)
class FetchOptions:
    """Options of fetch_dataset.py."""

    source: str
    """s3://bucket/prefix, as in launch.sagemaker.s3."""
    dataset: str
    """Name of the dataset: that of its folder where a job was submitted."""
    output_dir: Path
    """Folder for tables and crops, for data.dir."""
    tables: str = ""
    """Start of the name of one version of the tables; empty: the newest."""
    threads: int = THREADS
    """Objects fetched at the same time."""
    profile: str = ""
    """AWS profile; empty: the default credentials."""
    region: str = ""
    """AWS region; empty: AWS_REGION or that of the profile."""


def fetch_dataset(options: FetchOptions) -> None:
    """Bring the tables, then those of the crops that they name; what is here is kept.

    Raises:
        FieldmarkError: no such dataset, or objects that could not be had.
    """
    from classification.data.table import read_table

    region = default_region(options.region, options.profile)
    aws = Aws(region=region, profile=options.profile)
    bucket, prefix = split_uri(options.source)
    keys, paths = BucketPaths(prefix), DatasetPaths(options.output_dir)
    place = f"s3://{bucket}/{keys.tables(options.dataset, '')}"
    version, files = choose_tables(stored(aws, place), options.tables, where=place)
    tables = fetch(aws, f"{place}/{version}", paths.root, files)
    named = set(read_table(paths.table)["path"])
    crops = f"s3://{bucket}/{keys.crops(options.dataset)}"
    found = [item for item in stored(aws, crops) if item.name in named]
    with tqdm(total=len(found), unit="file", disable=None) as bar:
        done = fetch(
            aws, crops, paths.crops, found, threads=options.threads, arrived=lambda _: bar.update()
        )
    print(f"tables {version[:12]}: {tables.files} fetched, {tables.kept} were here")
    print(f"crops: {done.files} fetched, {done.bytes / 1e6:.1f} MB, {done.kept} were here")
    if missing := len(named) - len(found):
        raise FieldmarkError(
            f"{missing} of {len(named)} crops that the table names are not in {crops}: a job with "
            "these tables was never submitted whole"
        )
    print(f"train on them with --data.dir {paths.root}")


def choose_tables(found: list[Stored], start: str, *, where: str) -> tuple[str, list[Stored]]:
    """The version whose name begins with `start`, or the newest one, and its files.

    Args:
        found: every version's files, as ``<version>/<file>``.
        start: of a version's name; empty: the newest.
        where: named in errors.

    Raises:
        FieldmarkError: there is none, or several.
    """
    newest: dict[str, float] = {}
    for item in found:
        version = item.name.partition("/")[0]
        newest[version] = max(item.modified, newest.get(version, 0.0))
    fitting = sorted((v for v in newest if v.startswith(start)), key=lambda v: newest[v])
    if not fitting or (start and len(fitting) > 1):
        known = ", ".join(version[:12] for version in sorted(newest)) or "none"
        raise FieldmarkError(
            f"{len(fitting)} versions of the tables in {where} fit to {start!r}. There: {known}. "
            "Give the source as in launch.sagemaker.s3, and the dataset's folder name."
        )
    version = fitting[-1]
    files = [
        Stored(item.name.partition("/")[2], item.size, item.modified)
        for item in found
        if item.name.startswith(f"{version}/")
    ]
    return version, files
