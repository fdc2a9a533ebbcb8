"""File names of the labelling app's background steps."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WorkPaths:
    """Temporary folder of one app: what all of its steps share."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held as long as the app lives."""
        return self.root / "lock"

    @property
    def inputs(self) -> Path:
        """Embeddings or feature maps that are in no file of their own."""
        return self.root / "inputs.npy"

    def neighbours(self, k: int) -> "GraphPaths":
        return GraphPaths(self.root / f"neighbours_{k}")

    def step(self, number: int) -> "StepPaths":
        return StepPaths(self.root / f"step_{number}")


@dataclass(frozen=True)
class GraphPaths:
    """A neighbour graph of the embeddings; whole when `distance` exists, written last."""

    root: Path

    @property
    def index(self) -> Path:
        return self.root / "index.npy"

    @property
    def distance(self) -> Path:
        return self.root / "distance.npy"


@dataclass(frozen=True)
class StepPaths:
    """One step: what it is given, and what it found."""

    root: Path

    @property
    def order(self) -> Path:
        """What is to be done, as JSON."""
        return self.root / "order.json"

    @property
    def errors(self) -> Path:
        """What the process wrote to its standard error."""
        return self.root / "errors.txt"

    @property
    def head(self) -> Path:
        return self.root / "head.safetensors"

    def array(self, name: str) -> Path:
        return self.root / f"{name}.npy"
