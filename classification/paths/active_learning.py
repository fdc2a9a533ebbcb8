"""File names of the Active Learning Files folder."""

from dataclasses import dataclass
from pathlib import Path

from classification.paths.data import DatasetPaths
from classification.paths.labels import TimelapsePaths
from classification.paths.runs import ExportPaths, RunPaths

DEFAULT_FOLDER = "Active Learning Files"


@dataclass(frozen=True)
class FolderPaths(DatasetPaths):
    """``data/``: the table of what lies in the image folders, kept from call to call."""

    @property
    def folders(self) -> Path:
        """Which folders they were."""
        return self.root / "folders.json"

    @property
    def dropped(self) -> Path:
        return self.root / "dropped.csv"


@dataclass(frozen=True)
class TestResultPaths:
    """``test_results/train_set_size_N``."""

    root: Path

    @property
    def metrics(self) -> Path:
        return self.root / "metrics.json"

    @property
    def confusion_array(self) -> Path:
        return self.root / "confusion_matrix.npz"

    @property
    def confusion_figure(self) -> Path:
        return self.root / "confusion_matrix.png"


@dataclass(frozen=True)
class OnnxPaths(ExportPaths):
    """``export/``: the newest model, also as networks that any ONNX runtime runs."""

    @property
    def embedding(self) -> Path:
        return self.root / "embedding.onnx"

    @property
    def head(self) -> Path:
        return self.root / "head.onnx"

    @property
    def scaler(self) -> Path:
        return self.root / "scaler.npz"

    @property
    def classes(self) -> Path:
        return self.root / "classes.json"


@dataclass(frozen=True)
class ActiveLearningPaths(RunPaths):
    """A run folder, and in it what `run_active_learning` adds under the names people know."""

    @property
    def data(self) -> FolderPaths:
        return FolderPaths(self.root / "data")

    @property
    def embedding(self) -> Path:
        """Weights of the newest embedding model."""
        return self.root / "embedding" / "embedding.safetensors"

    @property
    def classifier(self) -> Path:
        """The newest head, its scaler included."""
        return self.root / "classifier" / "head.safetensors"

    @property
    def onnx(self) -> OnnxPaths:
        return OnnxPaths(self.export)

    def test_results(self, labels: int) -> TestResultPaths:
        """Scores of the model that was trained on this many labels."""
        return TestResultPaths(self.root / "test_results" / f"train_set_size_{labels}")

    @property
    def outputs(self) -> list[Path]:
        """Everything a run makes, and the labels that were given to it."""
        added = [self.data.root, self.embedding.parent, self.classifier.parent]
        answers = TimelapsePaths(self.root).returned
        return [*super().outputs, *added, self.root / "test_results", answers]
