"""Numbers of pairs as a square of cells: confusion of classes, wins of strategies."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from classification.evaluation.theme import FONT_SIZE, Theme, row_names


def count_grid(
    axes: Axes,
    counts: NDArray[np.int64],
    shade: NDArray[np.float64],
    names: Sequence[str],
    theme: Theme,
    *,
    cell: float,
) -> None:
    """Draw `counts` [N, N], zeros left empty, each cell as dark as its `shade` of 0 to 1 says.

    Args:
        axes: without grid.
        counts: what the cells say.
        shade: [N, N].
        names: of rows and columns.
        theme: colours.
        cell: side of a cell in inches; numbers shrink to fit.
    """
    axes.imshow(shade, cmap=theme.ramp(), vmin=0, vmax=1, interpolation="nearest")
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = theme.surface if shade[row, column] > 0.5 else theme.text
        text = str(counts[row, column])
        size = min(FONT_SIZE, cell * 72 / (0.75 * max(len(text), 2)))
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)
    row_names(axes, names, theme)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xticks(
        range(len(names)), labels=names, rotation=90, parse_math=False, color=theme.text
    )
    edges = np.arange(len(names) + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color=theme.grid, linewidth=0.6)
    axes.tick_params(which="minor", length=0)
