"""Figures of a dataset before anything is trained on it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from classification.evaluation.theme import (
    FONT_SIZE,
    LIGHT,
    SMALL,
    WIDTH,
    Theme,
    legend,
    new_figure,
    percent,
    row_names,
    shorten,
    style,
    title,
)

NAMED_LOCATIONS = 40  # more names than this cannot be read 8 inches wide
_COUNTED_LOCATIONS = 20  # nor more numbers than this


def class_by_location(counts: pd.DataFrame, *, theme: Theme = LIGHT) -> Figure:
    """Crops by class (row) and camera location (column); colour is the count on a log scale.

    Args:
        counts: as `inspection.class_by_location`.
        theme: colours.
    """
    rows, columns = counts.shape
    named = columns <= NAMED_LOCATIONS
    figure = new_figure(theme, height=1.1 + 0.34 * max(rows, 3) + (0.9 if named else 0.0))
    axes = style(figure.subplots(), theme, grid=None)
    values = counts.to_numpy()
    shown = np.ma.masked_equal(values, 0)
    image = axes.imshow(
        shown,
        cmap=theme.ramp(),
        norm=LogNorm(vmin=0.7, vmax=max(2, values.max(initial=1))),
        aspect="auto",
        interpolation="nearest",
    )
    if columns <= _COUNTED_LOCATIONS:
        _write_counts(axes, values, theme)
    else:
        bar = figure.colorbar(
            image, ax=axes, pad=0.01, fraction=0.03, ticks=LogLocator(subs=(1, 2, 5)), format="%d"
        )
        bar.minorticks_off()
        bar.ax.tick_params(colors=theme.muted, labelsize=FONT_SIZE - 1, length=0)
        bar.outline.set_visible(False)  # type: ignore[operator]
        bar.set_label("crops", color=theme.muted, fontsize=FONT_SIZE)
    row_names(axes, [shorten(str(name)) for name in counts.index], theme)
    axes.set_ylim(rows - 0.5, -0.5)
    if named:
        names = [shorten(str(name), 16) for name in counts.columns]
        axes.set_xticks(range(columns), labels=names, rotation=90, parse_math=False)
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"{columns} locations, most crops first")
    return figure


def class_by_split(counts: pd.DataFrame, *, theme: Theme = LIGHT) -> Figure:
    """Share of each class in each split, with the counts written in the bars.

    Args:
        counts: as `inspection.class_by_split`.
        theme: colours.
    """
    figure = new_figure(theme, height=1.1 + 0.32 * len(counts))
    axes = style(figure.subplots(), theme, grid=None)
    share = counts.div(counts.sum(axis=1), axis=0)
    left = np.zeros(len(counts))
    for name, colour in zip(counts.columns, (theme.muted, theme.second, theme.first), strict=True):
        width = share[name].to_numpy()
        axes.barh(range(len(counts)), width, 0.72, left=left, color=colour, label=str(name))
        for row, (start, size, count) in enumerate(zip(left, width, counts[name], strict=True)):
            if size > 0.04:
                axes.text(
                    start + size / 2,
                    row,
                    f"{count:,}",
                    color=theme.surface,
                    ha="center",
                    va="center",
                    **SMALL,
                )
        left += width
    percent(axes, axis="x")
    axes.set_xlim(0, 1)
    row_names(axes, [shorten(str(name)) for name in counts.index], theme)
    legend(figure, axes, theme)
    return figure


def crop_sizes(sizes: pd.Series, labels: pd.Series, *, theme: Theme = LIGHT) -> Figure:
    """Longer side of the crops: all together, and the middle 80 % of each class.

    Args:
        sizes: pixels of the longer side [N].
        labels: class of each crop [N], with the index of `sizes`.
        theme: colours.
    """
    groups = sizes.groupby(labels)
    middle = groups.median().sort_values()
    low, high = (groups.quantile(share).reindex(middle.index) for share in (0.1, 0.9))
    figure = new_figure(theme, height=1.4 + 0.27 * max(len(middle), 6))
    left, right = figure.subplots(1, 2, sharex=True)
    style(left, theme)
    title(left, theme, "All crops")
    edges = np.geomspace(max(1.0, float(sizes.min())), float(sizes.max()) + 1, 25)
    left.hist(sizes, bins=edges.tolist(), color=theme.first, edgecolor=theme.surface, linewidth=0.8)
    left.set_ylabel("crops")
    style(right, theme, grid="x")
    title(right, theme, "Middle 80 % of each class")
    rows = range(len(middle))
    right.hlines(rows, low, high, color=theme.first, alpha=0.35, linewidth=5)
    right.scatter(middle, rows, color=theme.first, s=30, zorder=3)
    row_names(right, [shorten(str(name), 20) for name in middle.index], theme)
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel("longer side, pixels")
    return figure


def before_and_after(counts: pd.DataFrame, *, theme: Theme = LIGHT) -> Figure:
    """Annotations of each category before and after cleaning.

    Args:
        counts: as `inspection.category_counts`: a column per dataset, and ``clean``.
        theme: colours.
    """
    before = counts.drop(columns="clean").sum(axis=1)
    figure = new_figure(theme, height=1.2 + 0.36 * len(counts))
    axes = style(figure.subplots(), theme, grid="x")
    rows = np.arange(len(counts))
    axes.barh(rows - 0.18, before, 0.34, color=theme.categories[-1], label="before")
    axes.barh(rows + 0.18, counts["clean"], 0.34, color=theme.first, label="after")
    for offset, values in ((-0.18, before), (0.18, counts["clean"])):
        _write_ends(axes, values, rows + offset, theme)
    row_names(axes, [shorten(str(name)) for name in counts.index], theme)
    axes.set_xlabel("annotations")
    axes.margins(x=0.1)
    legend(figure, axes, theme)
    return figure


def dropped_reasons(dropped: pd.DataFrame, *, theme: Theme = LIGHT) -> Figure:
    """How many items each reason cost.

    Args:
        dropped: ``dropped.csv`` (`schemas.DroppedTable`).
        theme: colours.
    """
    counts = dropped.groupby(["kind", "reason"]).size().sort_values(ascending=False)
    names = [f"{reason.replace('_', ' ')} ({kind})" for kind, reason in counts.index.tolist()]
    figure = new_figure(theme, width=WIDTH, height=0.9 + 0.28 * max(len(counts), 2))
    axes = style(figure.subplots(), theme, grid="x")
    rows = np.arange(len(counts))
    axes.barh(rows, counts, 0.6, color=theme.second)
    _write_ends(axes, counts, rows, theme)
    row_names(axes, [shorten(name, 45) for name in names], theme)
    axes.set_xlabel("items left out")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.1)
    return figure


def _write_counts(axes: Axes, values: np.ndarray, theme: Theme) -> None:
    strong = np.sqrt(0.5 * max(2, values.max(initial=1)))  # half way up the log scale
    for row, column in zip(*np.nonzero(values), strict=True):
        count = int(values[row, column])
        colour = theme.surface if count > strong else theme.text
        axes.text(column, row, str(count), color=colour, ha="center", va="center", **SMALL)


def _write_ends(axes: Axes, values: pd.Series, rows: np.ndarray, theme: Theme) -> None:
    for value, row in zip(values, rows, strict=True):
        axes.annotate(
            f"{value:,}" if value else "",
            (value, row),
            xytext=(4, 0),
            textcoords="offset points",
            color=theme.muted,
            va="center",
            **SMALL,
        )
