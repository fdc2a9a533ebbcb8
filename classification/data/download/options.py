"""Options of the image download; no heavy imports, so that ``--help`` is quick."""

from dataclasses import dataclass, field
from pathlib import Path

from classification.errors import FieldmarkError


@dataclass(frozen=True, kw_only=True)
class DownloadOptions:
    """Download the images of a COCO Camera Traps JSON; a second run fetches what is missing."""

    cct_json: Path
    """COCO Camera Traps JSON: an Animl export, a LILA dataset, or any other."""
    output_dir: Path
    """Folder for the images (data/raw/<dataset>), the ledger download.db and
    download_manifest.csv."""
    source: list[str] = field(default_factory=list)
    """s3://bucket/prefix or https://... that file_name is appended to; several are mirrors of
    each other. Not needed for an Animl export (its serving_bucket_key says where)."""
    manifest: Path | None = None
    """CSV with file_name and one url column per mirror, as download_lila.py select writes it."""
    profile: str = ""
    """AWS profile (~/.aws); empty: animl for an Animl export where there is one, otherwise the
    default credentials. AWS_ENDPOINT_URL names an S3-compatible server."""
    anonymous: bool = False
    """Do not sign requests: public buckets. Automatic where there are no credentials."""
    max_threads: int = 32
    """Files fetched at the same time."""
    retries: int = 5
    """Further tries per file and mirror after a passing fault (throttling, resets, short files)."""
    timeout: float = 30.0
    """Seconds without an answer or a byte after which a try counts as failed."""
    max_failures: float = 0.01
    """Share of the files that may fail (0..1) before the exit code says so."""
    dry_run: bool = False
    """Fetch nothing: print files, size and time, estimated from a sample."""
    verify: bool = False
    """Hash every file on disk against the ledger; otherwise only files whose size or time
    changed."""
    keep_truncated: bool = False
    """Keep images that the archive itself holds truncated (the crop step has a rule for them); by
    default they count as failures."""
    accept_other_source: bool = False
    """Keep files that the ledger says came from addresses other than those given now (a mirror of
    the same data). By default they are refused: two datasets would mix in one folder."""

    def check(self) -> None:
        """Raise a FieldmarkError naming every option that is out of range."""
        limits = {"max_threads": 1, "retries": 0, "timeout": 0.1, "max_failures": 0}
        problems = [
            f"--{name.replace('_', '-')} is {getattr(self, name)}; it must be at least {limit}"
            for name, limit in limits.items()
            if not getattr(self, name) >= limit
        ]
        problems += [
            f"--source {source!r}: give s3://bucket/prefix, https://... or http://..."
            for source in self.source
            if not source.startswith(("s3://", "https://", "http://"))
        ]
        if self.source and self.manifest:
            problems.append("--source and --manifest both say where the images are: give one")
        if self.profile and self.anonymous:
            problems.append("--profile and --anonymous exclude each other: give one")
        if problems:
            raise FieldmarkError.from_problems("these options cannot be used:", problems)
