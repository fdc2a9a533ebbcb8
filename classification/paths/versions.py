"""File names of a registered model version, and of one that was taken out of the registry."""

from dataclasses import dataclass
from pathlib import Path

from classification.paths.active_learning import OnnxPaths


@dataclass(frozen=True)
class ReleasePaths(OnnxPaths):
    """A model with its record: by itself in a version, and with program and ONNX when exported."""

    @property
    def record(self) -> Path:
        return self.root / "record.json"

    @property
    def page(self) -> Path:
        """The model card for people, where the run wrote one."""
        return self.root / "model_card.md"

    @property
    def program(self) -> Path:
        """The network as an MLflow model, which runs without this package."""
        return self.root / "program"


@dataclass(frozen=True)
class VersionPaths:
    """What a version keeps in MLflow: the program, and the model of this package beside it."""

    root: Path

    @property
    def release(self) -> ReleasePaths:
        return ReleasePaths(self.root / "export")
