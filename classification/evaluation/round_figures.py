"""Figures of a run over its rounds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from classification.evaluation.expected_gain import gains
from classification.evaluation.theme import (
    LIGHT,
    SMALL,
    Theme,
    legend,
    new_figure,
    percent,
    shorten,
    style,
    title,
)


def learning_curve(rounds: Sequence[Mapping[str, Any]], *, theme: Theme = LIGHT) -> Figure:
    """Accuracy and macro-F1 against the number of labels, with their intervals over locations.

    Args:
        rounds: records of ``metrics.json`` in order; those without a model are passed over.
        theme: colours.
    """
    figure = new_figure(theme, height=3.3)
    figure.get_layout_engine().set(wspace=0.06)  # type: ignore[union-attr,call-arg]
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, score, name in zip(
        panels, ("accuracy", "macro_f1"), ("Accuracy", "Macro-F1"), strict=True
    ):
        style(axes, theme)
        title(axes, theme, name)
        axes.set_xlabel("labels")
        ends = []
        for split, colour in (("val", theme.second), ("test", theme.first)):
            scored = [(r["num_labels"], r[split]) for r in rounds if r.get(split)]
            if scored:
                x, y = _curve(axes, scored, score=score, colour=colour)
                ends.append((y, x, f"{split} {y:.0%}", colour))
        _label_ends(axes, sorted(ends))
        axes.set_xlim(0, max([1, *(r["num_labels"] for r in rounds)]) * 1.25)  # room for names
        percent(axes, axis="y")
    return figure


def _curve(
    axes: Axes, scored: list[tuple[int, Mapping[str, Any]]], *, score: str, colour: str
) -> tuple[float, float]:
    """Draw one line with its band; its last point."""
    x = np.array([labels for labels, _ in scored], dtype=float)
    y = np.array([record[score] for _, record in scored], dtype=float)
    none = [np.nan, np.nan]
    low, high = np.array([record["intervals"].get(score) or none for _, record in scored]).T
    if len(x) == 1:  # a band has no width there
        axes.vlines(x, low, high, color=colour, alpha=0.3, linewidth=6)
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(x, y, color=colour, linewidth=2, marker="o", markersize=4)
    return float(x[-1]), float(y[-1])


def _label_ends(axes: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Name lines at their last points (y, x, text, colour), lowest first, without overlap."""
    for place, (y, x, text, colour) in enumerate(ends):
        side = "center" if len(ends) == 1 else "bottom" if place else "top"
        axes.annotate(
            text,
            (x, y),
            xytext=(8, 0),
            textcoords="offset points",
            color=colour,
            va=side,
            **SMALL,
        )


def expected_curve(
    labels: Sequence[int], scores: Sequence[float], *, batch: int, name: str, theme: Theme = LIGHT
) -> Figure:
    """The learning curve so far, and what the next four batches are expected to add.

    Args:
        labels: by round [R], four or more.
        scores: by round [R].
        batch: labels of a batch.
        name: of the score.
        theme: colours.
    """
    figure = new_figure(theme, height=2.9)
    axes = style(figure.subplots(), theme)
    ahead = np.linspace(0, 4 * batch, 33)
    gain, low, high = gains(labels, scores, ahead=ahead)
    x, start = labels[-1] + ahead, float(scores[-1])
    axes.fill_between(x, start + low, start + high, color=theme.first, alpha=0.15, linewidth=0)
    axes.plot(x, start + gain, color=theme.first, linewidth=1.5, linestyle=(0, (4, 2)))
    axes.plot(labels, scores, color=theme.first, linewidth=2, marker="o", markersize=4)
    for step in range(1, 5):
        at = 8 * step
        axes.annotate(
            f"+{100 * gain[at]:.1f}", (float(x[at]), start + float(high[at])),
            xytext=(0, 6), textcoords="offset points", ha="center", color=theme.first, **SMALL,
        )  # fmt: skip
    axes.set_xlabel("labels")
    axes.set_ylabel(name)
    percent(axes, axis="y")
    bottom = max(0.0, min(scores) - 0.05)
    axes.set_ylim(bottom, min(1.02, start + float(high[-1]) + 0.08))
    return figure


def queried_classes(queried: Mapping[str, Mapping[str, int]], *, theme: Theme = LIGHT) -> Figure:
    """What each round's labels turned out to be, stacked by class.

    Args:
        queried: name of each round, in order, to counts by class. The seven most frequent
            classes keep their own colour, all others are drawn together.
        theme: colours.
    """
    totals: dict[str, int] = {}
    for counts in queried.values():
        for name, count in counts.items():
            totals[name] = totals.get(name, 0) + count
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    shown, others = (ranked, []) if len(ranked) <= 8 else (ranked[:7], ranked[7:])
    figure = new_figure(theme, height=3.3)
    axes = style(figure.subplots(), theme)
    x, base = np.arange(len(queried)), np.zeros(len(queried))
    layers = [(shorten(name), [name]) for name in shown]
    layers += [(f"{len(others)} others", others)] if others else []
    for (label, members), colour in zip(layers, theme.categories, strict=False):
        height = np.array([sum(c.get(m, 0) for m in members) for c in queried.values()])
        axes.bar(
            x,
            height,
            0.72,
            bottom=base,
            color=colour,
            label=label,
            edgecolor=theme.surface,
            linewidth=0.8,
        )
        base += height
    step = max(1, len(queried) // 16)
    axes.set_xticks(x[::step], labels=list(queried)[::step])
    axes.set_xlabel("round that asked")
    axes.set_ylabel("labels")
    legend(figure, axes, theme, beside=True)
    return figure
