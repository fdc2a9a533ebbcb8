"""Options of ``utils/serve_mlflow.py``."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """Options of the MLflow server."""

    port: int = 5000
    """Port on 127.0.0.1. The server is not reachable from other machines; use a tunnel for that."""
    runs: Path = Path("runs")
    """Folder of the runs: the server shows its mlflow.db and keeps artifacts in its mlartifacts."""
