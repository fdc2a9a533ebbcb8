"""Options of ``classification/registry.py``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class RegistryOptions:
    """Options of registry.py."""

    command: Literal["list", "show", "promote", "rollback", "compare", "export"]
    """list, show, promote, rollback, compare or export."""
    model: str = ""
    """NAME, NAME@alias or NAME/version. The name alone stands for the champion; with promote for
    the challenger."""
    other: str = ""
    """compare: the second model; default: the challenger beside the champion."""
    output: Path | None = None
    """export: folder to write, which must not exist."""
    onnx: bool = False
    """export: also as ONNX networks, for programs without PyTorch."""
    runs: Path = Path("runs")
    """Folder of the runs, whose mlflow.db is the registry unless MLFLOW_TRACKING_URI is set."""
