"""Fieldmark: active learning for camera-trap images.

Heavy packages (torch, mlflow, pandas) are imported inside the modules that need them, so that
importing this package and asking any entry point for ``--help`` stays fast.
"""

__version__ = "0.1.0"
