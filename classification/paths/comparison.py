"""File names of a comparison of strategies."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ComparisonPaths:
    """A folder of results: a file per curve, and the table of all of them."""

    root: Path

    @property
    def results(self) -> Path:
        return self.root / "results.parquet"

    @property
    def recall(self) -> Path:
        """Recall of every class in every round."""
        return self.root / "recall.parquet"

    @property
    def validation(self) -> Path:
        """Trainings anew on the labels of each strategy, epoch by epoch."""
        return self.root / "val-results.json"

    @property
    def details(self) -> Path:
        """What a comparison rests on; another one does not go on in its folder."""
        return self.root / "run_details.json"

    @property
    def summary(self) -> Path:
        return self.root / "summary.csv"

    @property
    def latex(self) -> Path:
        """The summary as a table for a paper."""
        return self.root / "summary.tex"

    @property
    def class_gains(self) -> Path:
        """Recall of every class, its gain and whether it is luck."""
        return self.root / "class_gains.csv"

    @property
    def wins(self) -> Path:
        return self.root / "win_matrix.csv"

    @property
    def best(self) -> Path:
        """Best recall of every class in every round."""
        return self.root / "best_recall.csv"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    def figure(self, name: str) -> Path:
        return self.root / "figures" / f"{_safe(name)}.png"

    @property
    def embeddings(self) -> Path:
        return self.root / "embeddings"

    @property
    def cell_folder(self) -> Path:
        """Curves that were played here."""
        return self.root / "cells"

    def cell(self, task: str, strategy: str, seed: int) -> Path:
        """Curve of one strategy on one split, with its queries; any name makes a file name."""
        return self.cell_folder / _safe(task) / _safe(strategy) / f"{seed}.json"

    def cells(self, task: str, seed: int) -> list[Path]:
        """Curves of a task and seed, of any strategy."""
        return sorted((self.cell_folder / _safe(task)).glob(f"*/{seed}.json"))

    def events(self, task: str, strategy: str, seed: int) -> Path:
        """Folder of a curve's event files for TensorBoard."""
        return self.root / "tensorboard" / _safe(task) / _safe(strategy) / str(seed)


def _safe(name: str) -> str:
    return re.sub(r"[^\w.+-]", "_", name)
