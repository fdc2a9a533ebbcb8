"""Every file name of the project. No path is put together anywhere else."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

CROP_MARK = "___crop_"


def crop_name(file_name: str, annotation_id: str) -> str:
    """Crop file of one annotation, relative to the crops folder; stable across runs."""
    return f"{file_name}{CROP_MARK}{annotation_id}.jpg"


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


@dataclass(frozen=True)
class RoundPaths:
    """``rounds/NN`` of a run; the round is complete when `metrics` exists."""

    root: Path

    @property
    def number(self) -> int:
        return int(self.root.name)

    @property
    def config(self) -> Path:
        return self.root / "config.yml"

    @property
    def provenance(self) -> Path:
        return self.root / "provenance.json"

    @property
    def train(self) -> Path:
        return self.root / "train.csv"

    @property
    def head(self) -> Path:
        return self.root / "head.safetensors"

    @property
    def model(self) -> Path:
        return self.root / "model.json"

    @property
    def predictions(self) -> Path:
        return self.root / "predictions.parquet"

    @property
    def query(self) -> Path:
        return self.root / "query.csv"

    @property
    def metrics(self) -> Path:
        return self.root / "metrics.json"


@dataclass(frozen=True)
class RunPaths:
    """``runs/<model>/<experiment>``: the config a person wrote and everything a run makes of it."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config.yml"

    @property
    def labels(self) -> Path:
        return self.root / "labels.db"

    @property
    def lock(self) -> Path:
        return self.root / ".lock"

    @property
    def rounds(self) -> Path:
        return self.root / "rounds"

    @property
    def embeddings(self) -> Path:
        return self.root / "embeddings"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def export(self) -> Path:
        return self.root / "export"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def tracking(self) -> Path:
        """Key by which MLflow's run of this folder is found, and where it was found last."""
        return self.root / "mlflow.json"

    @property
    def previous(self) -> Path:
        """Outputs set aside by ``--no-resume``; nothing is ever deleted."""
        return self.root / "previous"

    @property
    def tracking_db(self) -> Path:
        """Default MLflow store, shared by all runs: ``runs/mlflow.db``."""
        return self.root.parent.parent / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        return self.root.parent.parent / "mlartifacts"

    @property
    def model_name(self) -> str:
        """Default name in the registry: ``<model>-<experiment>``."""
        return f"{self.root.resolve().parent.name}-{self.root.resolve().name}"

    @property
    def outputs(self) -> list[Path]:
        """Everything a run makes; all but the configuration."""
        names = (self.rounds, self.embeddings, self.checkpoints, self.export, self.report)
        labels = [self.labels.with_name(self.labels.name + end) for end in ("", "-wal", "-shm")]
        return [*names, *labels, self.tracking, self.figure("x").parent]

    def predictions(self, name: str) -> Path:
        """What predict.py writes for a split or a folder of images."""
        return self.root / f"predictions_{name}.csv"

    def complete_rounds(self) -> list[int]:
        """Numbers of the complete rounds, ascending, up to the first gap."""
        number = 0
        while self.round(number).metrics.exists():
            number += 1
        return list(range(number))

    def round(self, number: int) -> RoundPaths:
        return RoundPaths(self.rounds / f"{number:02d}")

    def checkpoint(self, key: str) -> Path:
        return self.checkpoints / f"backbone_{key}.safetensors"

    def figure(self, name: str) -> Path:
        return self.root / "figures" / f"{name}.png"


@dataclass(frozen=True)
class EmbeddingPaths:
    """One embedding store: ``embeddings/<key>.npy`` and its progress record."""

    folder: Path
    key: str

    @property
    def array(self) -> Path:
        return self.folder / f"{self.key}.npy"

    @property
    def progress(self) -> Path:
        return self.folder / f"{self.key}.json"


@dataclass(frozen=True)
class ExportPaths:
    """A model that stands alone: weights and the card that says how to use them."""

    root: Path

    @property
    def weights(self) -> Path:
        return self.root / "model.safetensors"

    @property
    def card(self) -> Path:
        return self.root / "model.json"


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
