"""What a Python process needs that this one starts."""

import os
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[1])


def python_path() -> str:
    """A PYTHONPATH with which it finds this package in any folder, installed or not."""
    given = os.environ.get("PYTHONPATH", "")
    if _ROOT in given.split(os.pathsep):
        return given
    return os.pathsep.join(filter(None, [_ROOT, given]))
