"""Learning curves of experiments, a panel per dataset."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from classification.errors import FieldmarkError
from classification.evaluation.theme import (
    FONT_SIZE,
    LIGHT,
    Theme,
    legend,
    panel_grid,
    percent,
    shorten,
    style,
    title,
)


def experiment_curves(table: pd.DataFrame, *, label: str, theme: Theme = LIGHT) -> Figure:
    """Accuracy against labels; experiments of one curve are averaged, the band is their range.

    Args:
        table: as `extract.gather`.
        label: option that tells the curves apart, for the message.
        theme: colours.

    Raises:
        FieldmarkError: more curves than there are colours to tell apart.
    """
    colours = dict(zip(dict.fromkeys(table["curve"]), theme.categories[:-1], strict=False))
    if missing := table["curve"].nunique() - len(colours):
        raise FieldmarkError(
            f"{missing + len(colours)} values of {label}; one figure shows {len(colours)}: choose "
            "experiments by a longer prefix, or another label"
        )
    datasets = list(dict.fromkeys(table["dataset"]))
    figure, panels = panel_grid(theme, len(datasets), columns=2, height=2.9)
    for axes, dataset in zip(panels, datasets, strict=True):
        style(axes, theme)
        title(axes, theme, shorten(str(dataset), 30))
        part = table[table["dataset"] == dataset]
        for curve, colour in colours.items():
            _draw(axes, part[part["curve"] == curve], str(curve), colour)
        percent(axes, axis="y")
    figure.supxlabel("labels", color=theme.muted, fontsize=FONT_SIZE)
    figure.supylabel("accuracy on test", color=theme.muted, fontsize=FONT_SIZE)
    legend(figure, panels[0], theme)
    return figure


def _draw(axes: Axes, rounds: pd.DataFrame, name: str, colour: str) -> None:
    spread = rounds.groupby("num_labels")["accuracy"].agg(["mean", "min", "max"])
    x = spread.index.to_numpy(dtype=float)
    mean, low, high = (spread[key].to_numpy(dtype=float) for key in ("mean", "min", "max"))
    if np.any(high > low):
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(x, mean, color=colour, linewidth=2, marker="o", markersize=4, label=shorten(name, 24))
