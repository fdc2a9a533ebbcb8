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
    def summary(self) -> Path:
        return self.root / "summary.csv"

    @property
    def wins(self) -> Path:
        return self.root / "win_matrix.csv"

    @property
    def embeddings(self) -> Path:
        return self.root / "embeddings"

    def cell(self, task: str, strategy: str, seed: int) -> Path:
        """Result of one strategy on one split; any name makes a file name."""
        names = [re.sub(r"[^\w.+-]", "_", name) for name in (task, strategy)]
        return self.root / "cells" / names[0] / names[1] / f"{seed}.json"
