"""Options of label.py's subcommands. Light: imported before anything heavy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Write labels to a file."""

    config: Path
    """runs/<model>/<experiment>/config.yml of the run."""
    output: Path
    """File to write."""
    format: Literal["ledger", "csv", "table", "cct", "timelapse"] = "csv"
    """csv: the decision that counts for each item; ledger: every decision ever made; table: one
    column per class with 0, 1 or empty; cct: COCO Camera Traps JSON; timelapse: File,
    RelativePath, Species."""


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """Take labels from files; without any, from the next CSV in new_labels_bin of the run."""

    config: Path
    """runs/<model>/<experiment>/config.yml of the run."""
    files: tuple[Path, ...] = ()
    """Timelapse's or another CSV, label table, ledger of label.py export, COCO Camera Traps
    JSON."""
    annotator: str = ""
    """Who labelled; default: labels.annotator. A ledger names its annotators itself."""
    new_classes: Literal["refuse", "accept"] | None = None
    """refuse or accept: whether a label that is no class becomes one; default:
    labels.new_classes."""
    watch: bool = False
    """Without files: wait until a CSV lands in new_labels_bin."""


@dataclass(frozen=True, kw_only=True)
class StatusOptions:
    """Print labels per class and annotator, labels per hour, what waits, who disagrees."""

    config: Path
    """runs/<model>/<experiment>/config.yml of the run."""
