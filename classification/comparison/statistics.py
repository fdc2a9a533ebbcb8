"""From curves to claims: area under the curve, labels saved, and which differences are luck."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

SIGNIFICANT = 0.05


def areas(results: "pd.DataFrame", score: str = "macro_f1") -> "pd.DataFrame":
    """Mean score over the rounds of each curve: rows (task, seed), a column per strategy.

    Rounds are equally far apart in labels, so the mean is the area under the curve divided by its
    width, and keeps the score's unit.
    """
    return results.pivot_table(index=["task", "seed"], columns="strategy", values=score)


def summary(results: "pd.DataFrame", *, baseline: str = "random") -> "pd.DataFrame":
    """One row per task and strategy, best area first.

    Columns: area (mean over seeds of macro-F1 averaged over rounds), gain (over the baseline of
    the same seed), low and high (95 % interval of the gain over seeds, Student's t), p (Wilcoxon
    signed-rank test of the gain, Holm-corrected over the strategies of the task), final (last
    macro-F1), successor (that of another kind of classifier on the same labels), labels (to reach
    the baseline's mean final level; NaN where it is not reached), seconds (CPU time per query).
    """
    import pandas as pd

    rows = []
    for task, part in results.groupby("task", sort=False):
        table = areas(part).loc[task]
        raw: dict[str, float] = {}
        for name in table.columns:
            curve = part[part["strategy"] == name]
            gain = (table[name] - table[baseline]).to_numpy()
            raw[name] = _signed_rank(gain)
            low, high = _interval(gain)
            last = curve[curve["successor_macro_f1"].notna()]
            rows.append(
                {
                    "task": task,
                    "strategy": name,
                    "area": table[name].mean(),
                    "gain": gain.mean(),
                    "low": low,
                    "high": high,
                    "final": last["macro_f1"].mean(),
                    "successor": last["successor_macro_f1"].mean(),
                    "labels": labels_to_reach(part, name, baseline=baseline),
                    "seconds": curve.loc[curve["round"] > 0, "seconds"].mean(),
                }
            )
        names = [name for name in raw if name != baseline]
        corrected = dict(zip(names, holm(np.array([raw[n] for n in names])), strict=True))
        for row in rows[-len(table.columns) :]:
            row["p"] = corrected.get(row["strategy"], np.nan)
    return pd.DataFrame(rows).sort_values(
        ["task", "area"], ascending=[True, False], ignore_index=True
    )


def labels_to_reach(part: "pd.DataFrame", name: str, *, baseline: str) -> float:
    """Labels at which the mean curve of `name` first reaches the baseline's last mean score.

    Linear between rounds; NaN where it never does.
    """
    target = _mean_curve(part, baseline)[1][-1]
    x, y = _mean_curve(part, name)
    above = np.flatnonzero(y >= target)
    if not len(above):
        return float("nan")
    i = above[0]
    if i == 0:
        return float(x[0])
    return float(x[i - 1] + (x[i] - x[i - 1]) * (target - y[i - 1]) / (y[i] - y[i - 1]))


def win_matrix(results: "pd.DataFrame") -> "pd.DataFrame":
    """On how many tasks the row's strategy is significantly better than the column's.

    Wilcoxon signed-rank tests over seeds, Holm-corrected over all pairs of a task (Ash et al. 2020
    count wins like this, with t-tests).
    """
    import pandas as pd

    table = areas(results)
    names = list(table.columns)
    wins = np.zeros((len(names), len(names)), dtype=int)
    for _, part in table.groupby(level="task"):
        values = part.to_numpy()
        pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
        gains = [values[:, i] - values[:, j] for i, j in pairs]
        corrected = holm(np.array([_signed_rank(gain) for gain in gains]))
        for (i, j), gain, p in zip(pairs, gains, corrected, strict=True):
            if p < SIGNIFICANT:
                winner, loser = (i, j) if gain.mean() > 0 else (j, i)
                wins[winner, loser] += 1
    return pd.DataFrame(wins, index=names, columns=names)


def _mean_curve(part: "pd.DataFrame", name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Labels and mean macro-F1 over seeds, by round."""
    rounds = part[part["strategy"] == name].groupby("round")[["num_labels", "macro_f1"]].mean()
    x, y = rounds.to_numpy(dtype=float).T
    return x, y


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """p-values corrected for as many comparisons (Holm 1979)."""
    order = np.argsort(p)
    scaled = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    out = np.empty(len(p))
    out[order] = np.minimum(scaled, 1)
    return out


def _signed_rank(gain: NDArray[np.float64]) -> float:
    from scipy.stats import wilcoxon

    return float(np.asarray(wilcoxon(gain))[1]) if np.any(gain) else 1.0


def _interval(gain: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    from scipy.stats import t

    if len(gain) < 2:
        return float("nan"), float("nan")
    half = t.ppf((1 + level) / 2, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
    return float(gain.mean() - half), float(gain.mean() + half)
