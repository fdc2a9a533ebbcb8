"""Figures of a comparison, from its table of results: which strategy is better, and is it luck."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from classification.comparison.paired import SIGNIFICANT
from classification.evaluation.count_grid import count_grid
from classification.evaluation.theme import (
    FONT_SIZE,
    LIGHT,
    Theme,
    new_figure,
    panel_grid,
    row_names,
    shorten,
    style,
    title,
)

_NAME = 22  # characters of a name in a row
_TITLE = 17  # and above a panel


def strategy_curves(
    results: pd.DataFrame,
    summary: pd.DataFrame,
    *,
    task: str,
    score: str = "macro_f1",
    baseline: str = "random",
    theme: Theme = LIGHT,
) -> Figure:
    """Learning curves on one dataset, a small panel per strategy beside the baseline in grey.

    The band is the 95 % interval of the gain over the baseline on the same seeds, laid around the
    baseline's mean: where it leaves the grey line, the difference is not luck of the split. (An
    interval of the mean itself would mostly show that splits differ.) Best area first.

    Args:
        results: as `ResultTable`.
        summary: as `statistics.summary`; gives the order, and the gain above each panel.
        task: dataset.
        score: column.
        baseline: strategy in grey.
        theme: colours.
    """
    part = results[results["task"] == task]
    table = part.pivot_table(index=["round", "seed"], columns="strategy", values=score)
    labels = part.groupby("round")["num_labels"].mean().to_numpy()
    rows = summary[(summary["task"] == task) & (summary["strategy"] != baseline)]
    figure, panels = panel_grid(theme, len(rows), columns=4, height=1.5)
    for axes, row in zip(panels, rows.to_dict("records"), strict=True):
        style(axes, theme, grid="both")
        _panel(axes, labels, table[baseline], table[row["strategy"]], theme)
        sure = row["p"] < SIGNIFICANT
        axes.set_title(
            shorten(row["strategy"], _TITLE) + f"  {100 * row['gain']:+.1f}",
            loc="left", fontsize=FONT_SIZE - 1, parse_math=False,
            color=theme.text if sure else theme.muted, weight="bold" if sure else "normal",
        )  # fmt: skip
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    figure.supxlabel("labels", color=theme.muted, fontsize=FONT_SIZE - 1)
    figure.supylabel(score_name(score), color=theme.muted, fontsize=FONT_SIZE - 1)
    return figure


def _panel(axes: Axes, labels: np.ndarray, base: pd.Series, own: pd.Series, theme: Theme) -> None:
    from scipy.stats import t

    both = pd.DataFrame({"base": base, "own": own}).dropna()
    rounds = both.groupby(level="round")
    gain = both["own"] - both["base"]
    n = rounds.size().to_numpy()
    error = gain.groupby(level="round").std().to_numpy() / np.sqrt(n)
    half = np.where(n > 1, t.ppf(0.975, np.maximum(n - 1, 1)) * error, np.nan)
    grey, mean = (rounds[name].mean().to_numpy() for name in ("base", "own"))
    x = labels[: len(mean)]
    axes.plot(x, grey, color=theme.muted, linewidth=1.2)
    axes.fill_between(x, mean - half, mean + half, color=theme.first, alpha=0.2, linewidth=0)
    axes.plot(x, mean, color=theme.first, linewidth=1.6)


def area_gains(
    summary: pd.DataFrame,
    *,
    baseline: str = "random",
    score: str = "macro_f1",
    theme: Theme = LIGHT,
) -> Figure:
    """Gain in area under the curve over the baseline, with its 95 % interval; a panel per dataset.

    Filled points are significant after Holm's correction. Strategies in order of their mean gain.

    Args:
        summary: as `statistics.summary`.
        baseline: the zero line.
        score: what the areas are of.
        theme: colours.
    """
    rows = summary[summary["strategy"] != baseline]
    order = rows.groupby("strategy")["gain"].mean().sort_values(ascending=False).index
    figure, panels = _rows_figure(
        rows, list(order), theme, unit=f"points of area under {score_name(score)}"
    )
    for axes, (_, part) in zip(panels, rows.groupby("task", sort=False), strict=True):
        values = part.set_index("strategy").reindex(order)
        sure = (values["p"] < SIGNIFICANT).to_numpy()
        _dots(axes, 100 * values[["gain", "low", "high"]].to_numpy(), sure, theme)
    return figure


def savings(saved: pd.DataFrame, *, theme: Theme = LIGHT) -> Figure:
    """Share of labels saved against random picks, with its 95 % interval; a panel per dataset.

    Args:
        saved: as `savings.labels_saved`.
        theme: colours.
    """
    order = saved.groupby("strategy")["saved"].mean().sort_values(ascending=False).index
    figure, panels = _rows_figure(saved, list(order), theme, unit="% of labels saved")
    for axes, (_, part) in zip(panels, saved.groupby("task", sort=False), strict=True):
        values = part.set_index("strategy").reindex(order)
        sure = (values["low"] > 0).to_numpy()
        _dots(axes, 100 * values[["saved", "low", "high"]].to_numpy(), sure, theme)
    return figure


def _rows_figure(
    table: pd.DataFrame, order: Sequence[str], theme: Theme, *, unit: str
) -> tuple[Figure, list[Axes]]:
    """A row per strategy, a panel per dataset."""
    tasks = list(dict.fromkeys(table["task"]))
    figure = new_figure(theme, height=1.0 + 0.2 * max(len(order), 4))
    panels = list(np.atleast_1d(figure.subplots(1, max(1, len(tasks)), sharey=True)))
    for axes, task in zip(panels, tasks, strict=False):
        style(axes, theme, grid="both")
        axes.axvline(0, color=theme.muted, linewidth=1)
        title(axes, theme, shorten(str(task), 24))
    row_names(panels[0], [shorten(str(name), _NAME) for name in order], theme)
    figure.supxlabel(unit, color=theme.muted, fontsize=FONT_SIZE - 1)
    return figure, panels[: len(tasks)]


def _dots(axes: Axes, values: np.ndarray, sure: np.ndarray, theme: Theme) -> None:
    """Points with intervals, a row each: value, low, high [N, 3]; filled where `sure`."""
    rows = np.arange(len(values))
    middle, low, high = values.T
    colours: Any = np.where(sure, np.where(middle < 0, theme.second, theme.first), theme.muted)
    axes.hlines(rows, low, high, color=colours, linewidth=1.5, alpha=0.6)
    axes.scatter(
        middle, rows, s=22, zorder=3, edgecolors=colours, linewidths=1.2,
        facecolors=[c if s else theme.surface for c, s in zip(colours, sure, strict=True)],
    )  # fmt: skip


def wins(matrix: pd.DataFrame, *, tasks: int, theme: Theme = LIGHT) -> Figure:
    """On how many datasets the row's strategy is significantly better than the column's.

    Ordered by wins less losses, best first, so that a clear order fills the upper triangle.

    Args:
        matrix: as `statistics.win_matrix`.
        tasks: number of datasets, the darkest colour.
        theme: colours.
    """
    order = (
        (matrix.sum(axis=1) - matrix.sum(axis=0)).sort_values(ascending=False, kind="stable").index
    )
    counts = matrix.loc[order, order].to_numpy()
    names = [shorten(str(name), _NAME) for name in order]
    cell = 0.4 if len(names) <= 12 else 0.24
    side = 1.8 + cell * max(len(names), 4)
    figure = new_figure(theme, width=side, height=side)
    axes = style(figure.subplots(), theme, grid=None)
    count_grid(axes, counts, counts / max(1, tasks), names, theme, cell=cell)
    axes.set_xlabel("is worse")
    axes.set_ylabel("is better")
    return figure


def score_name(score: str) -> str:
    """The name of a column of scores for people."""
    return {"macro_f1": "macro-F1", "balanced_accuracy": "mean recall"}.get(score, score)
