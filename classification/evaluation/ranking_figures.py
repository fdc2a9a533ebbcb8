"""Figures of what probabilities rank first: one small panel per class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from classification.evaluation.theme import (
    LIGHT,
    SMALL,
    Theme,
    panel_grid,
    percent,
    shorten,
    style,
)

MOST = 24  # classes; further ones are left out, rarest first


def precision_recall(
    truth: NDArray[Any], probs: NDArray[Any], classes: Sequence[str], *, theme: Theme = LIGHT
) -> Figure:
    """Precision against recall of every class, over all thresholds on its probability.

    The area under a curve (average precision, AP) is what is left when no threshold is chosen; the
    grey line is the share of the class, what guessing would get. Classes without an item are left
    out, most frequent first.

    Args:
        truth: int [N], positions in `classes`.
        probs: float [N, C].
        classes: the C names.
        theme: colours.
    """
    counts = np.bincount(truth, minlength=len(classes))
    shown = [int(c) for c in np.argsort(-counts, kind="stable") if counts[c]][:MOST]
    figure, panels = panel_grid(theme, len(shown), columns=4, height=1.9)
    for axes, c in zip(panels, shown, strict=True):
        style(axes, theme, grid="both")
        hits = truth == c
        _curve(axes, hits, probs[:, c], theme)
        axes.set_title(
            f"{shorten(classes[c], 20)}  {hits.sum():,}",
            loc="left", color=theme.text, parse_math=False, fontsize=SMALL["fontsize"],
        )  # fmt: skip
        percent(axes, axis="x")
        percent(axes, axis="y")
        axes.set_xticks([0.25, 0.5, 0.75])  # names at the ends would meet those of the neighbours
    if shown:
        figure.supxlabel("recall", color=theme.muted, fontsize=SMALL["fontsize"])
        figure.supylabel("precision", color=theme.muted, fontsize=SMALL["fontsize"])
    return figure


def _curve(axes: Axes, hits: NDArray[np.bool_], score: NDArray[Any], theme: Theme) -> None:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(hits, score)
    axes.axhline(hits.mean(), color=theme.muted, linewidth=1)
    axes.step(recall, precision, where="post", color=theme.first, linewidth=1.5, clip_on=False)
    axes.text(
        0.96, 0.94, f"AP {average_precision_score(hits, score):.2f}",
        transform=axes.transAxes, ha="right", va="top", color=theme.text, **SMALL,
    )  # fmt: skip
