"""File names of a run folder."""

from dataclasses import dataclass
from pathlib import Path

from classification.paths.jobs import JobPaths
from classification.paths.labels import TimelapsePaths
from classification.paths.tracking import StorePaths

BEFORE = ".before.pt"


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
    def judged(self) -> Path:
        """Only where people labelled, or keep for validation, what the round is measured on."""
        return self.root / "judged.csv"

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
    def feature_maps(self) -> Path:
        """Stores like those of `embeddings`, of what the backbone sees before it pools."""
        return self.root / "feature_maps"

    def sibling_embeddings(self) -> list[Path]:
        """Embeddings of the other experiments with the same model."""
        found = self.root.resolve().parent.glob(f"*/{self.embeddings.name}")
        return sorted(folder for folder in found if folder.parent != self.root.resolve())

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
    def model_card(self) -> Path:
        """For people; the machine's is `RoundPaths.model`."""
        return self.root / "model_card.md"

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
        return StorePaths(self.root.parent.parent).tracking_db

    @property
    def artifacts(self) -> Path:
        return StorePaths(self.root.parent.parent).artifacts

    @property
    def model_name(self) -> str:
        """Default name in the registry: ``<model>-<experiment>``."""
        return f"{self.root.resolve().parent.name}-{self.root.resolve().name}"

    @property
    def outputs(self) -> list[Path]:
        """Everything a run makes; all but the configuration."""
        pages = (self.report, self.model_card)
        stores = (self.embeddings, self.feature_maps)
        names = (self.rounds, *stores, self.checkpoints, self.export, *pages)
        labels = [self.labels.with_name(self.labels.name + end) for end in ("", "-wal", "-shm")]
        exchange = TimelapsePaths(self.root).outputs
        return [*names, *labels, *exchange, self.tracking, self.figure("x").parent]

    @property
    def jobs(self) -> Path:
        """One folder per submitted job."""
        return self.root / "jobs"

    def job(self, name: str) -> JobPaths:
        return JobPaths(self.jobs / name)

    def predictions(self, name: str) -> Path:
        """What predict.py writes for a split or a folder of images."""
        return self.root / f"predictions_{name}.csv"

    def complete_rounds(self) -> list[int]:
        """Numbers of the complete rounds, ascending, up to the first gap."""
        number = 0
        while self.round(number).metrics.exists():
            number += 1
        return list(range(number))

    def newest_model(self) -> RoundPaths | None:
        """The newest complete round with a model; early rounds may have none."""
        rounds = map(self.round, reversed(self.complete_rounds()))
        return next((played for played in rounds if played.head.exists()), None)

    def round(self, number: int) -> RoundPaths:
        return RoundPaths(self.rounds / f"{number:02d}")

    def checkpoint(self, key: str) -> Path:
        return self.checkpoints / f"backbone_{key}.safetensors"

    def unfinished(self, checkpoint: Path) -> Path:
        """State of the training that will end in `checkpoint`."""
        return checkpoint.with_suffix(".unfinished.pt")

    def unfinished_before(self, checkpoint: Path) -> Path:
        """The state before that one, of use on this machine alone."""
        return checkpoint.with_suffix(BEFORE)

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
    def digests(self) -> Path:
        """Hash of the file behind each row, by which later stores find rows to copy."""
        return self.folder / f"{self.key}.digests"

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
