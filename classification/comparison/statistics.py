"""From curves to claims: area under the curve, labels saved, and which differences are luck."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classification.comparison.paired import (
    SIGNIFICANT,
    correct,
    gain_of,
    holm,
    seeds_needed,
    signed_rank,
)
from classification.errors import FieldmarkError

if TYPE_CHECKING:
    import pandas as pd

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
    `target`; NaN where it is not reached), seconds (CPU time per query). A strategy is compared on
    the seeds that it shares with the baseline.

    Args:
        results: as `ResultTable`, of one model.
        baseline: strategy that gains are measured against.
        score: column that area, gain and final are about.
        target: score to reach; None: the baseline's mean in the last round.

    Raises:
        FieldmarkError: a task without the baseline, or a strategy that shares no seed with it.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for task, part in results.groupby("task", sort=False):
        names = sorted(set(part["strategy"]))
        if baseline not in names:
            raise FieldmarkError(
                f"{task} has no strategy {baseline!r} to compare with; there are: "
                f"{', '.join(names)}"
            )
        found = [
            {"task": task, "strategy": name}
            | _against(part, name, baseline=baseline, score=score, target=target)
            for name in names
        ]
        correct(found)
        rows += found
    columns = ["task", "strategy", "area", "gain", "low", "high", "final", "successor", "labels"]
    return pd.DataFrame(rows, columns=[*columns, "seconds", "p"]).sort_values(
        ["task", "area"], ascending=[True, False], ignore_index=True
    )


def _against(
    part: "pd.DataFrame", name: str, *, baseline: str, score: str, target: float | None
) -> dict[str, float]:
    """A row of `summary`, on the seeds that the strategy shares with the baseline."""
    table = areas(part, score)[list({name, baseline})].dropna()
    if table.empty:
        raise FieldmarkError(
            f"{name!r} and {baseline!r} share no seed: their results do not compare"
        )
    part = part[part["seed"].isin(table.index.get_level_values("seed"))]
    curve = part[part["strategy"] == name]
    gain = (table[name] - table[baseline]).to_numpy()
    last = curve.sort_values("round").groupby("seed").tail(1)
    return {
        "area": table[name].mean(),
        **gain_of(gain),
        "final": last[score].mean(),
        "successor": last["successor_macro_f1"].mean(),
        "labels": labels_to_reach(part, name, baseline=baseline, score=score, target=target),
        "seconds": curve.loc[curve["round"] > 0, "seconds"].mean(),
        **({"p": np.nan} if name == baseline else {}),
    }


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

    Wilcoxon signed-rank tests over the seeds that both have, of the areas, Holm-corrected over all
    pairs of a task. (The matrix of Ash et al. 2020 counts every round, by t-tests without a
    correction, and divides by the number of rounds.)
    """
    import pandas as pd

    table = areas(results, score)
    names = list(table.columns)
    wins = np.zeros((len(names), len(names)), dtype=int)
    for _, part in table.groupby(level="task"):
        values = part.to_numpy()
        pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
        gains = [values[:, i] - values[:, j] for i, j in pairs]
        gains = [gain[~np.isnan(gain)] for gain in gains]
        corrected = holm(np.array([signed_rank(gain) for gain in gains]))
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


def caveats(results: "pd.DataFrame") -> list[str]:
    """What must be said beside the figures of these results, in sentences."""
    count = results.groupby(["task", "strategy"])["seed"].nunique()
    seeds, others = int(count.min()), results["strategy"].nunique() - 1
    pairs = others * (others + 1) // 2
    found = []
    if seeds < CLAIM:
        found.append(
            f"{seeds} seeds: too few to claim anything; differences may be luck. Give --seeds "
            f"{max(CLAIM, seeds_needed(others))} or more."
        )
    elif seeds < seeds_needed(others):
        found.append(
            f"{seeds} seeds: with {others} strategies beside the baseline no difference, however "
            "large, can come out significant after correction; look at the intervals of the "
            f"gains, or give --seeds {seeds_needed(others)} or more."
        )
    elif seeds < seeds_needed(pairs):
        found.append(
            f"{seeds} seeds: among {pairs} pairs of strategies no difference, however large, can "
            f"come out significant after correction; for who beats whom give --seeds "
            f"{seeds_needed(pairs)} or more."
        )
    for task, part in count.groupby(level="task"):
        if part.nunique() > 1:
            few = part[part < part.max()]
            found.append(
                f"{task}: {', '.join(few.index.get_level_values('strategy'))} played fewer than "
                f"{part.max()} seeds; each is compared on the seeds that it shares with the other."
            )
    return found
