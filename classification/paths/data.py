"""File names of datasets: raw, interim, processed, generated and downloaded."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

CROP_MARK = "___crop_"


def crop_name(file_name: str, annotation_id: str) -> str:
    """Crop file of one annotation, relative to the crops folder; stable across runs.

    It lies beside the others of its image's folder, though an id made of a file name has slashes.
    """
    own = annotation_id.replace("/", "_").replace("\\", "_")
    return f"{file_name}{CROP_MARK}{own}.jpg"


def is_safe_name(name: str) -> bool:
    """Whether `name` is a relative path that stays inside the folder it is joined to."""
    path = PurePosixPath(name)
    drive = len(name) > 1 and name[1] == ":"
    return bool(path.parts) and not (
        path.is_absolute() or drive or ".." in path.parts or "\x00" in name
    )


def crop_log(folder: Path, stamp: str) -> Path:
    """Log of the rejects of one crop run; `stamp` is its time."""
    return folder / f"crop_detections_log_{stamp}.json"


@dataclass(frozen=True)
class InterimPaths:
    """``data/interim/<dataset>``: a cleaned COCO Camera Traps dataset."""

    root: Path

    @property
    def clean_cct(self) -> Path:
        return self.root / f"{self.root.name}_clean_cct.json"

    @property
    def dropped(self) -> Path:
        return self.root / "dropped.csv"

    @property
    def summary(self) -> Path:
        return self.root / "summary.json"


@dataclass(frozen=True)
class DatasetPaths:
    """``data/processed/<dataset>``: crops, the classification table and its splits."""

    root: Path

    @property
    def crops(self) -> Path:
        return self.root / "crops"

    @property
    def crop_table(self) -> Path:
        return self.root / "crops.csv"

    @property
    def crop_journal(self) -> Path:
        """Rows of a crop run that has not ended yet; becomes part of the crop table."""
        return self.root / "crops.journal"

    @property
    def crop_thumbnails(self) -> Path:
        """Cache of the search for near duplicates."""
        return self.root / "crop_thumbnails.npz"

    @property
    def table(self) -> Path:
        return self.root / "classification_ds.csv"

    @property
    def label_index(self) -> Path:
        return self.root / "label_index.json"

    @property
    def splits(self) -> Path:
        return self.root / "splits.json"

    @property
    def split_report(self) -> Path:
        return self.root / "split_report.json"

    def split_cct(self, split: str) -> Path:
        return self.root / f"{split}_cct.json"

    def split_frames(self, split: str) -> Path:
        """Whole frames of a split; `split_cct` is of its crops."""
        return self.root / f"{split}_frames_cct.json"


@dataclass(frozen=True)
class DownloadPaths:
    """``data/raw/<dataset>``: images as published, and what is known of each file."""

    root: Path

    @property
    def ledger(self) -> Path:
        return self.root / "download.db"

    @property
    def manifest(self) -> Path:
        """The ledger as a table that a person can open, written at the end of a run."""
        return self.root / "download_manifest.csv"

    def image(self, path: str) -> Path:
        return self.root / path


@dataclass(frozen=True)
class LilaPaths:
    """Cache of what LILA publishes about its datasets."""

    root: Path

    def published(self, name: str) -> Path:
        """One published file under the last part of its address."""
        return self.root / name

    def metadata(self, slug: str, name: str) -> Path:
        """A dataset's own JSON, unzipped."""
        return self.root / slug / name


@dataclass(frozen=True)
class SubsetPaths:
    """A selection of LILA: COCO Camera Traps JSON and where its images are published."""

    root: Path

    @property
    def cct(self) -> Path:
        return self.root / f"{self.root.name}_cct.json"

    @property
    def sources(self) -> Path:
        return self.root / "sources.csv"

    @property
    def summary(self) -> Path:
        return self.root / "summary.json"


@dataclass(frozen=True)
class SpeciesPaths:
    """Where a species was seen: table and figure."""

    root: Path

    def table(self, species: str) -> Path:
        return self.root / f"{species}_locations.csv"

    def figure(self, species: str) -> Path:
        return self.root / f"{species}_locations.png"


@dataclass(frozen=True)
class SamplePaths:
    """A generated dataset: the record of its options, its pictures and, last, its annotations."""

    root: Path

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def options(self) -> Path:
        return self.root / "sample_options.json"

    @property
    def cct(self) -> Path:
        return self.root / f"{self.root.name}_cct.json"
