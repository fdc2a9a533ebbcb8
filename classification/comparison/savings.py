"""How many labels a strategy saves against random picks, and how sure that is."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]


def labels_saved(
    results: "pd.DataFrame",
    *,
    rng: np.random.Generator,
    score: str = "macro_f1",
    baseline: str = "random",
    resamples: int = 500,
    level: float = 0.95,
) -> "pd.DataFrame":
    """Share of the labels that each strategy saves on the way to the baseline's last mean score.

    0.4 means: the mean curve of the strategy is there with 60 % of the labels. Where it never gets
    there, nothing is saved: 0. Intervals redraw seeds, the same for the strategy and the baseline.

    Args:
        results: as `ResultTable`.
        rng: source of the draws.
        score: column that is to be reached.
        baseline: strategy that sets the level.
        resamples: draws.
        level: coverage.

    Returns:
        task, strategy, saved, low, high; strategies without the baseline's seeds are left out.
    """
    import pandas as pd

    rows = []
    for task, part in results.groupby("task", sort=False):
        curves = _curves(part, score)
        if baseline not in curves:
            continue
        labels = part.groupby("round")["num_labels"].mean().to_numpy(dtype=float)
        target = curves[baseline]
        for name, found in curves.items():
            shared = np.intersect1d(list(found), list(target))
            if not len(shared) or name == baseline:
                continue
            own, others = (np.array([c[seed] for seed in shared]) for c in (found, target))
            draws = rng.integers(0, len(shared), size=(resamples, len(shared)))
            spread = _saved(labels, own[draws].mean(axis=1), others[draws].mean(axis=1))
            low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
            saved = _saved(labels, own.mean(axis=0)[None], others.mean(axis=0)[None])[0]
            row = {"task": task, "strategy": name, "saved": saved, "low": low, "high": high}
            rows.append(row)
    return pd.DataFrame(rows, columns=["task", "strategy", "saved", "low", "high"])


def _curves(part: "pd.DataFrame", score: str) -> dict[str, dict[int, FloatArray]]:
    """Scores by strategy and seed; curves that are not whole are left out."""
    rounds = part["round"].nunique()
    found: dict[str, dict[int, FloatArray]] = {}
    for _, curve in part.sort_values("round").groupby(["strategy", "seed"]):
        if len(curve) == rounds:
            name, seed = curve["strategy"].iloc[0], curve["seed"].iloc[0]
            found.setdefault(str(name), {})[int(seed)] = curve[score].to_numpy(dtype=float)
    return found


def _saved(labels: FloatArray, own: FloatArray, others: FloatArray) -> FloatArray:
    """Share saved of each pair of curves [B, R]; linear between rounds."""
    target = others[:, -1:]
    reached = own >= target
    first = reached.argmax(axis=1)
    rows, before = np.arange(len(own)), np.maximum(first - 1, 0)
    rise = own[rows, first] - own[rows, before]
    part = (target[:, 0] - own[rows, before]) / np.where(rise > 0, rise, 1)
    at = labels[before] + (labels[first] - labels[before]) * np.where(first > 0, part, 0)
    return np.where(reached.any(axis=1), 1 - at / labels[-1], 0.0)
