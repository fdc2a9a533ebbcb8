"""Fieldmark: active learning for camera-trap images.

Heavy packages (torch, mlflow, pandas) are imported inside the modules that need them, so that
importing this package and asking any entry point for ``--help`` stays fast.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_LAZY = {"run_active_learning": "classification.active_learning"}


def __getattr__(name: str) -> Any:
    """`run_active_learning`, imported when it is first asked for."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
