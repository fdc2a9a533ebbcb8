"""Starting MLflow's own server: where its data lie, who may come in, what it does not do.

MLflow's defaults are a database in the current folder, a server without a password, ten processes
with 260 MB each, and 0.7 s per request with a password (it is hashed each time).
"""

import os
import secrets
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

from classification.errors import FieldmarkError
from classification.files import write_secret
from classification.mlflow_server.options import ServerOptions
from classification.paths import ServerPaths, StorePaths
from classification.tracking_store import connect, quiet

HOST = "127.0.0.1"
USER = "admin"
_CACHED_SECONDS = 300  # that a password stays checked: 34 ms per request instead of 714
_ACCOUNTS = """[mlflow]
default_permission = READ
database_uri = sqlite:///{database}
admin_username = {user}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = {seconds}
"""


def serve(options: ServerOptions) -> None:
    """Become the server; ends with Ctrl-C.

    Raises:
        FieldmarkError: a package is missing, the port is taken, or the password is lost.
    """
    require_packages()
    require_port(options.port)
    store = StorePaths(options.runs.resolve())
    with quiet():
        connect(f"sqlite:///{store.tracking_db}")  # its tables, made once and whole
    known = credentials(store.server, port=options.port)
    address = known["MLFLOW_TRACKING_URI"]
    print(f"MLflow at {address}; user {USER}, password in {store.server.client}")
    print(f"to use it: copy the lines of {store.server.client} into .env", flush=True)
    words = command(options.port, store)
    os.execve(words[0], words, environment(store.server, known))


def credentials(paths: ServerPaths, *, port: int) -> dict[str, str]:
    """Address, user and password of the server: those of its first start, kept for the owner only.

    Raises:
        FieldmarkError: the server has accounts, but the file with the password is gone.
    """
    paths.root.mkdir(parents=True, exist_ok=True)
    paths.root.chmod(0o700)  # the accounts' database, too
    if paths.client.exists():
        password = _read(paths.client)["MLFLOW_TRACKING_PASSWORD"]
    elif paths.accounts.exists():
        raise FieldmarkError(
            f"{paths.accounts} has accounts, but {paths.client} with their password is gone. Put "
            f"it back, or delete {paths.accounts} for a new password; runs and models stay."
        )
    else:
        password = secrets.token_urlsafe(24)
    known = {
        "MLFLOW_TRACKING_URI": f"http://{HOST}:{port}",
        "MLFLOW_TRACKING_USERNAME": USER,
        "MLFLOW_TRACKING_PASSWORD": password,
    }
    write_secret(paths.client, "".join(f"{key}={value}\n" for key, value in known.items()))
    settings = _ACCOUNTS.format(database=paths.accounts, user=USER, seconds=_CACHED_SECONDS)
    write_secret(paths.settings, settings)
    if not paths.key.exists():
        write_secret(paths.key, secrets.token_urlsafe(32))
    return known


def command(port: int, store: StorePaths) -> list[str]:
    """The server's command line."""
    return [
        sys.executable, "-m", "mlflow", "server",
        "--host", HOST, "--port", str(port), "--workers", "1", "--app-name", "basic-auth",
        "--backend-store-uri", f"sqlite:///{store.tracking_db}",
        "--artifacts-destination", store.artifacts.as_uri(),
    ]  # fmt: skip


def environment(paths: ServerPaths, known: dict[str, str]) -> dict[str, str]:
    """The server's environment: ours, its secrets, and neither telemetry nor jobs."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_TRACKING_")}
    return {
        **ours,
        "MLFLOW_AUTH_CONFIG_PATH": str(paths.settings),
        "MLFLOW_AUTH_ADMIN_PASSWORD": known["MLFLOW_TRACKING_PASSWORD"],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": paths.key.read_text().strip(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def require_packages() -> None:
    """Raise a FieldmarkError where the server extra is not installed."""
    if find_spec("flask_wtf") is None:
        raise FieldmarkError(
            'an MLflow server with passwords needs more packages: pip install -e ".[server]", or '
            "make mlflow"
        )


def require_port(port: int) -> None:
    """Raise a FieldmarkError where a port is taken."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise FieldmarkError(
                f"port {port} cannot be had on {HOST} ({error}): another server may be running. "
                'Give another one: make mlflow MLFLOW_OPTIONS="--port 5001"'
            ) from None


def _read(path: Path) -> dict[str, str]:
    from dotenv import dotenv_values

    known = {key: value or "" for key, value in dotenv_values(path).items()}
    if not known.get("MLFLOW_TRACKING_PASSWORD"):
        raise FieldmarkError(f"{path} has no line MLFLOW_TRACKING_PASSWORD=...; put it back")
    return known
