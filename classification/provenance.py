"""Where a result came from: code, packages, machine and inputs; never secrets."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from classification import __version__

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "pandas", "scikit-learn", "mlflow", "Pillow")


def provenance(*, device: str, data: dict[str, str]) -> dict[str, Any]:
    """A record for ``provenance.json``.

    Args:
        device: what computed it.
        data: hashes of the inputs.
    """
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "fieldmark": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "device": device,
        "packages": {name: _version(name) for name in _PACKAGES},
        "data": data,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Commit of the checkout this code runs from; None when it was installed from a wheel."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
