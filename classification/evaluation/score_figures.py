"""Figures of one evaluation."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from classification.evaluate import Evaluation
from classification.evaluation.calibration import Reliability
from classification.evaluation.count_grid import count_grid
from classification.evaluation.theme import (
    LIGHT,
    SMALL,
    Theme,
    legend,
    new_figure,
    percent,
    row_names,
    shorten,
    style,
)


def confusion_matrix(
    confusion: Sequence[Sequence[int]], classes: Sequence[str], *, theme: Theme = LIGHT
) -> Figure:
    """Counts by true (row) and predicted (column) class; colour is the share of the row.

    Classes that neither occur nor are predicted are left out.

    Args:
        confusion: counts [C, C], as `Evaluation.confusion`.
        classes: the C names.
        theme: colours.
    """
    counts = np.array(confusion)
    kept = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    counts = counts[np.ix_(kept, kept)]
    names = [shorten(classes[int(i)]) for i in kept]
    cell = 0.46 if len(names) <= 12 else 0.34 if len(names) <= 30 else 0.26
    margin = 0.9 + 0.075 * max(map(len, names))
    side = margin + cell * max(len(names), 4)
    figure = new_figure(theme, width=side + 0.3, height=side)
    axes = style(figure.subplots(), theme, grid=None)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    count_grid(axes, counts, share, names, theme, cell=cell)
    axes.set_xlabel("predicted")
    axes.set_ylabel("truth")
    return figure


def per_class(evaluation: Evaluation, *, theme: Theme = LIGHT) -> Figure:
    """Precision and recall of each class as two points on a line, with its number of images.

    Classes without an image and without a prediction are left out; most frequent first.
    """
    scores = {
        name: s for name, s in evaluation.per_class.items() if s["support"] or s["precision"] == 0
    }
    names = sorted(scores, key=lambda name: -scores[name]["support"])
    figure = new_figure(theme, height=1.0 + 0.27 * len(names))
    axes = style(figure.subplots(), theme, grid="x")
    for row, name in enumerate(names):
        found = [scores[name]["precision"], scores[name]["recall"]]
        known = [value for value in found if value is not None]
        axes.plot(known, [row] * len(known), color=theme.muted, alpha=0.45, linewidth=2, zorder=1)
        note = f"{scores[name]['support']:,}"
        axes.annotate(
            note if found[0] is not None else f"{note} never predicted",
            (1.0, row),
            xycoords=axes.get_yaxis_transform(),
            xytext=(8, 0),
            textcoords="offset points",
            color=theme.muted,
            va="center",
            **SMALL,
        )
    for score, colour, marker in (("recall", theme.first, "o"), ("precision", theme.second, "D")):
        x = [scores[name].get(score) for name in names]
        points = [(value, row) for row, value in enumerate(x) if value is not None]
        axes.scatter(
            *np.array(points, dtype=float).reshape(-1, 2).T,
            s=38 if marker == "o" else 26,
            color=colour,
            marker=marker,
            label=score,
            zorder=2,
            clip_on=False,
        )
    percent(axes, axis="x")
    row_names(axes, [shorten(name) for name in names], theme)
    axes.annotate(
        "images",
        (1.0, 1.0),
        xycoords="axes fraction",
        xytext=(8, 6),
        textcoords="offset points",
        color=theme.muted,
        **SMALL,
    )
    legend(figure, axes, theme)
    return figure


def per_location(evaluation: Evaluation, *, theme: Theme = LIGHT) -> Figure:
    """Accuracy of every location, worst first; the area of a point is its number of images."""
    items = sorted(evaluation.per_location.items(), key=lambda item: item[1]["accuracy"])
    accuracy = [scores["accuracy"] for _, scores in items]
    counts = np.array([scores["n"] for _, scores in items])
    figure = new_figure(theme, height=3.2)
    axes = style(figure.subplots(), theme)
    axes.vlines(range(len(items)), 0, accuracy, color=theme.grid, linewidth=1.2)
    size = (12 + 130 * counts / counts.max()) * min(1, 50 / len(items))
    axes.scatter(
        range(len(items)), accuracy, s=size, color=theme.first, alpha=0.75, clip_on=False, zorder=3
    )
    axes.axhline(evaluation.accuracy, color=theme.second, linewidth=1.2)
    axes.annotate(
        f"all images {evaluation.accuracy:.0%}",
        (1, evaluation.accuracy),
        xycoords=axes.get_yaxis_transform(),
        xytext=(6, 0),
        textcoords="offset points",
        color=theme.second,
        va="center",
        **SMALL,
    )
    percent(axes, axis="y")
    axes.set_ylabel("accuracy")
    if len(items) <= 40:
        names = [shorten(name, 18) for name, _ in items]
        axes.set_xticks(range(len(items)), labels=names, rotation=90, parse_math=False)
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(items)} locations, worst first")
    return figure


def reliability_diagram(
    reliability: Reliability, *, before: Reliability | None = None, theme: Theme = LIGHT
) -> Figure:
    """Accuracy against confidence; on the diagonal a confidence can be taken at its word.

    Args:
        reliability: of the model as it is.
        before: without its temperature, drawn in grey.
        theme: colours.
    """
    figure = new_figure(theme, width=5.2, height=4.2)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    width = 1 / len(reliability.counts)
    centres = (np.arange(len(reliability.counts)) + 0.5) * width
    style(axes, theme, grid="both")
    axes.plot([0, 1], [0, 1], color=theme.muted, linewidth=1, linestyle=(0, (4, 3)))
    filled = reliability.counts > 0
    x, y, counts = (
        v[filled] for v in (reliability.confidence, reliability.accuracy, reliability.counts)
    )
    if before is not None:
        kept = before.counts > 0
        uncorrected = (before.confidence[kept], before.accuracy[kept])
        axes.plot(*uncorrected, color=theme.muted, linewidth=1.2, marker="o", markersize=3)
        note = f"ECE {before.ece:.3f} before temperature scaling"
        axes.text(0.03, 0.86, note, color=theme.muted, **SMALL)
    axes.plot(x, y, color=theme.first, linewidth=1.5, alpha=0.4)
    size = 10 + 110 * counts / max([1, *counts])  # a bin of three images is drawn as one
    axes.scatter(x, y, s=size, color=theme.first, clip_on=False, zorder=3)
    axes.text(0.03, 0.93, f"ECE {reliability.ece:.3f}", color=theme.first, **SMALL)
    axes.set_ylabel("accuracy")
    percent(axes, axis="y")
    style(below, theme)
    below.bar(centres, reliability.counts, width * 0.85, color=theme.muted, alpha=0.6)
    below.set_ylabel("images")
    below.set_xlabel("confidence")
    percent(below, axis="x")
    return figure
