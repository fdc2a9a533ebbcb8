"""File names of MLflow: the store that runs share, and a server of one's own."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StorePaths:
    """``runs/``: MLflow's store of all runs below it, unless a server is set."""

    root: Path

    @property
    def tracking_db(self) -> Path:
        return self.root / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        return self.root / "mlartifacts"

    @property
    def server(self) -> "ServerPaths":
        return ServerPaths(self.root / "mlflow_server")


@dataclass(frozen=True)
class ServerPaths:
    """``runs/mlflow_server``: what a server of one's own needs to know who may come in."""

    root: Path

    @property
    def client(self) -> Path:
        """Address, user and password, as lines for ``.env``."""
        return self.root / "client.env"

    @property
    def settings(self) -> Path:
        return self.root / "basic_auth.ini"

    @property
    def accounts(self) -> Path:
        return self.root / "accounts.db"

    @property
    def key(self) -> Path:
        """Signs the sessions of browsers."""
        return self.root / "session.key"
