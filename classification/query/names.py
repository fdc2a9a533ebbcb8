"""Names of the strategies, importable without NumPy for ``--help`` and configuration checks."""

STRATEGY_NAMES = ("random", "margin", "entropy", "least_confident")

NEEDS_MODEL = frozenset({"margin", "entropy", "least_confident"})
"""Strategies that read class probabilities and therefore cannot open a run."""
