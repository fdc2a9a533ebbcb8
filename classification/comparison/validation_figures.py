"""Figures of trainings repeated on the same labels, and of classes by round."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from classification.errors import FieldmarkError
from classification.evaluation.theme import (
    FONT_SIZE,
    LIGHT,
    SMALL,
    Theme,
    legend,
    new_figure,
    panel_grid,
    percent,
    row_names,
    shorten,
    style,
    title,
)

if TYPE_CHECKING:
    import pandas as pd

_PANELS = (
    ("loss", "Loss"),
    ("train_accuracy", "Training accuracy"),
    ("test_accuracy", "Test accuracy"),
)


def training_curves(
    trainings: Mapping[str, Sequence[Mapping[str, Any]]], *, theme: Theme = LIGHT
) -> Figure:
    """Loss, training and test accuracy by epoch: each training faint, the mean strong.

    Args:
        trainings: runs of ``val-results.json`` by name of the strategy, in the order of the legend.
        theme: colours.

    Raises:
        FieldmarkError: more strategies than there are colours to tell apart, or none.
    """
    colours = theme.categories[:-1]
    if not 0 < len(trainings) <= len(colours):
        raise FieldmarkError(
            f"{len(trainings)} strategies; one figure shows 1 to {len(colours)}: give fewer names"
        )
    figure = new_figure(theme, height=3.2)
    panels = figure.subplots(1, 3)
    for axes, (key, text) in zip(panels, _PANELS, strict=True):
        style(axes, theme)
        title(axes, theme, text)
        axes.set_xlabel("epoch")
        for (name, runs), colour in zip(trainings.items(), colours, strict=False):
            lines = [_line(run, key) for run in runs if run["epochs"]]
            for x, y in lines:
                axes.plot(x, y, color=colour, linewidth=0.8, alpha=0.25)
            x, y = _mean(lines)
            axes.plot(x, y, color=colour, linewidth=1.8, label=shorten(name, 24))
        if key != "loss":
            percent(axes, axis="y")
    legend(figure, panels[0], theme)
    return figure


def _line(run: Mapping[str, Any], key: str) -> tuple[list[float], list[float]]:
    return [e["epoch"] for e in run["epochs"]], [e[key] for e in run["epochs"]]


def _mean(lines: Sequence[tuple[list[float], list[float]]]) -> tuple[list[float], list[float]]:
    """Mean at each epoch, of the trainings that got there."""
    found: dict[float, list[float]] = {}
    for x, y in lines:
        for epoch, value in zip(x, y, strict=True):
            found.setdefault(epoch, []).append(value)
    epochs = sorted(found)
    return epochs, [float(np.mean(found[epoch])) for epoch in epochs]


def class_recall(recall: "pd.DataFrame", *, task: str, theme: Theme = LIGHT) -> Figure:
    """Recall of each class (row) in each round (column), mean over seeds; a panel per strategy.

    Args:
        recall: as `schemas.RecallTable`.
        task: dataset.
        theme: colours.
    """
    part = recall[recall["task"] == task]
    names = list(dict.fromkeys(part["strategy"]))
    classes = list(dict.fromkeys(part["label"]))
    figure, panels = panel_grid(theme, len(names), columns=3, height=0.45 + 0.19 * len(classes))
    for axes, name in zip(panels, names, strict=True):
        style(axes, theme, grid=None)
        own = part[part["strategy"] == name]
        table = own.pivot_table(index="label", columns="round", values="recall", dropna=False)
        values = table.reindex(classes).to_numpy(dtype=float)
        axes.imshow(
            np.ma.masked_invalid(values), cmap=theme.ramp(), vmin=0, vmax=1, aspect="auto",
            interpolation="nearest",
        )  # fmt: skip
        for row, value in enumerate(values[:, -1]):
            if np.isfinite(value):
                axes.text(
                    values.shape[1] - 0.4, row, f"{value:.0%}",
                    color=theme.muted, va="center", **SMALL,
                )  # fmt: skip
        text = shorten(str(name))
        axes.set_title(text, loc="left", color=theme.text, parse_math=False, fontsize=FONT_SIZE - 1)
        row_names(axes, [shorten(str(c), 16) for c in classes], theme)
        axes.set_ylim(len(classes) - 0.5, -0.5)
    panels[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.supxlabel("round", color=theme.muted, fontsize=FONT_SIZE - 1)
    return figure
