"""Every file name of the project. No path is put together anywhere else."""

from dataclasses import dataclass
from pathlib import Path

CROP_MARK = "___crop_"


def crop_name(file_name: str, annotation_id: str) -> str:
    """Crop file of one annotation, relative to the crops folder; stable across runs."""
    return f"{file_name}{CROP_MARK}{annotation_id}.jpg"


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
        """What has been sent to MLflow so far."""
        return self.root / "mlflow.json"

    @property
    def previous(self) -> Path:
        """Outputs set aside by ``--no-resume``; nothing is ever deleted."""
        return self.root / "previous"

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
