"""From curves to claims: area under the curve, labels saved, and which differences are luck."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

SIGNIFICANT = 0.05
CLAIM = 5  # seeds below which nothing is claimed (Munjal et al., 2022, arXiv:2002.09564)


def areas(results: "pd.DataFrame", score: str = "macro_f1") -> "pd.DataFrame":
    """Mean score over the rounds of each curve: rows (task, seed), a column per strategy.

    Rounds are equally far apart in labels, so the mean is the area under the curve divided by its
    width, and keeps the score's unit.
    """
    return results.pivot_table(index=["task", "seed"], columns="strategy", values=score)


def by_model(results: "pd.DataFrame") -> "pd.DataFrame":
    """The results with the model in the name of each task, where there are several models."""
    if results["model"].nunique() < 2:
        return results
    return results.assign(task=results["task"] + " " + results["model"])


def summary(
    results: "pd.DataFrame",
    *,
    baseline: str = "random",
    score: str = "macro_f1",
    target: float | None = None,
) -> "pd.DataFrame":
    """One row per task and strategy, best area first.

    Columns: area (mean over seeds of the score averaged over rounds), gain (over the baseline of
    the same seed), low and high (95 % interval of the gain over seeds, Student's t), p (Wilcoxon
    signed-rank test of the gain, Holm-corrected over the strategies of the task), final (last
    score), successor (macro-F1 of another kind of classifier on the same labels), labels (to reach
    `target`; NaN where it is not reached), seconds (CPU time per query).

    Args:
        results: as `ResultTable`, of one model.
        baseline: strategy that gains are measured against.
        score: column that area, gain and final are about.
        target: score to reach; None: the baseline's mean in the last round.
    """
    import pandas as pd

    rows = []
    for task, part in results.groupby("task", sort=False):
        table = areas(part, score).loc[task]
        raw: dict[str, float] = {}
        for name in table.columns:
            curve = part[part["strategy"] == name]
            gain = (table[name] - table[baseline]).to_numpy()
            raw[name] = _signed_rank(gain)
            low, high = _interval(gain)
            last = curve.sort_values("round").groupby("seed").tail(1)
            rows.append(
                {
                    "task": task,
                    "strategy": name,
                    "area": table[name].mean(),
                    "gain": gain.mean(),
                    "low": low,
                    "high": high,
                    "final": last[score].mean(),
                    "successor": last["successor_macro_f1"].mean(),
                    "labels": labels_to_reach(
                        part, name, baseline=baseline, score=score, target=target
                    ),
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


def labels_to_reach(
    part: "pd.DataFrame",
    name: str,
    *,
    baseline: str,
    score: str = "macro_f1",
    target: float | None = None,
) -> float:
    """Labels at which the mean curve of `name` first reaches the target; NaN where it never does.

    Linear between rounds. The target is the baseline's last mean score where none is given.
    """
    wanted = float(_mean_curve(part, baseline, score)[1][-1]) if target is None else target
    x, y = _mean_curve(part, name, score)
    above = np.flatnonzero(y >= wanted)
    if not len(above):
        return float("nan")
    i = above[0]
    if i == 0:
        return float(x[0])
    return float(x[i - 1] + (x[i] - x[i - 1]) * (wanted - y[i - 1]) / (y[i] - y[i - 1]))


def win_matrix(results: "pd.DataFrame", *, score: str = "macro_f1") -> "pd.DataFrame":
    """On how many tasks the row's strategy is significantly better than the column's.

    Wilcoxon signed-rank tests over seeds, Holm-corrected over all pairs of a task (Ash et al. 2020
    count wins like this, with t-tests).
    """
    import pandas as pd

    table = areas(results, score)
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


def _mean_curve(
    part: "pd.DataFrame", name: str, score: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Labels and mean score over seeds, by round."""
    rounds = part[part["strategy"] == name].groupby("round")[["num_labels", score]].mean()
    x, y = rounds.to_numpy(dtype=float).T
    return x, y


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """p-values corrected for as many comparisons (Holm 1979)."""
    order = np.argsort(p)
    scaled = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    out = np.empty(len(p))
    out[order] = np.minimum(scaled, 1)
    return out


def caveats(results: "pd.DataFrame") -> list[str]:
    """What must be said beside the figures of these results, in sentences."""
    seeds = int(results.groupby(["task", "strategy"])["seed"].nunique().min())
    least = 2.0 ** (1 - seeds)  # two-sided, when all seeds agree
    if seeds < CLAIM:
        return [
            f"{seeds} seeds: too few to claim anything; differences may be luck. Give --seeds "
            f"{CLAIM} or more."
        ]
    others = results["strategy"].nunique() - 1
    if least * max(1, others) > SIGNIFICANT:
        return [
            f"{seeds} seeds: with {others} strategies beside the baseline no difference, however "
            f"large, can come out significant (the smallest p is {least * others:.2g} after "
            "correction); look at the intervals of the gains, or add seeds."
        ]
    return []


def _signed_rank(gain: NDArray[np.float64]) -> float:
    from scipy.stats import wilcoxon

    return float(np.asarray(wilcoxon(gain))[1]) if np.any(gain) else 1.0


def _interval(gain: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    from scipy.stats import t

    if len(gain) < 2:
        return float("nan"), float("nan")
    half = t.ppf((1 + level) / 2, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
    return float(gain.mean() - half), float(gain.mean() + half)
