"""Colours and bare axes of every figure, light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

WIDTH = 8.0  # inches: 800 px at 100 dpi, the width that every figure must be legible at
FONT_SIZE = 10.0
SMALL: dict[str, Any] = {"fontsize": FONT_SIZE - 1, "parse_math": False}


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours of a figure. The hues are those of Okabe & Ito, told apart by all colour vision."""

    text: str
    muted: str
    grid: str
    surface: str
    first: str
    """Blue: test, recall, what matters most."""
    second: str
    """Vermilion: validation, precision."""
    categories: tuple[str, ...]
    """Stacked classes, largest first; the last is for all others together."""

    def ramp(self) -> LinearSegmentedColormap:
        """From the surface (0) to the first hue (1)."""
        return LinearSegmentedColormap.from_list("ramp", [self.surface, self.first])


LIGHT = Theme(
    text="#1d2733",
    muted="#5d6b7a",
    grid="#e3e8ed",
    surface="#ffffff",
    first="#0072b2",
    second="#d55e00",
    categories=(
        *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c7a5b"),
        "#c3cad2",
    ),
)
DARK = Theme(
    text="#e6ebf0",
    muted="#98a5b3",
    grid="#2c3641",
    surface="#161c23",
    first="#56b4e9",
    second="#f0905a",
    categories=(
        *("#4a9fd4", "#e6ab3c", "#2db58e", "#d693b8", "#9bd3f4", "#e87a3e", "#b5a37f"),
        "#55616e",
    ),
)


def new_figure(theme: Theme, *, width: float = WIDTH, height: float) -> Figure:
    """An empty figure, inches; no global pyplot state is touched."""
    return Figure(figsize=(width, height), dpi=100, layout="constrained", facecolor=theme.surface)


def panel_grid(
    theme: Theme, n: int, *, columns: int, height: float, width: float = WIDTH
) -> tuple[Figure, list[Axes]]:
    """A figure of `n` small panels with common axes, `height` inches each; only edges are named.

    At most `columns` in a row, one less where that fills the last row better.
    """
    columns = max(1, min(columns, n))
    if columns > 2 and -n % (columns - 1) < -n % columns:
        columns -= 1
    rows = max(1, -(-n // columns))
    figure = new_figure(theme, width=width, height=0.5 + height * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    panels = list(grid.ravel())
    for place, axes in enumerate(panels):
        if place >= n:
            axes.set_visible(False)
        elif place + columns >= n:  # nothing below it
            axes.xaxis.set_tick_params(labelbottom=True)
    return figure, panels[:n]


def style(axes: Axes, theme: Theme, *, grid: str | None = "y") -> Axes:
    """Leave what carries information: a light grid, small ticks, no frame."""
    axes.set_facecolor("none")
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(colors=theme.muted, labelsize=FONT_SIZE - 1, length=0)
    axes.xaxis.label.set(color=theme.muted, fontsize=FONT_SIZE)
    axes.yaxis.label.set(color=theme.muted, fontsize=FONT_SIZE)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=theme.grid, linewidth=0.8)  # type: ignore[arg-type]
    return axes


def title(axes: Axes, theme: Theme, text: str) -> None:
    """A title at the left, where reading starts."""
    axes.set_title(text, loc="left", color=theme.text, fontsize=FONT_SIZE + 1, weight="bold")


def percent(axes: Axes, *, axis: str) -> None:
    """An axis of shares from 0 to 100 %."""
    chosen = axes.xaxis if axis == "x" else axes.yaxis
    chosen.set_major_formatter(PercentFormatter(1.0, decimals=0))
    limits = axes.set_xlim if axis == "x" else axes.set_ylim
    limits(0, 1.02)


def row_names(axes: Axes, names: Sequence[str], theme: Theme) -> None:
    """One name per row, first on top. Names are never read as TeX: a species may hold a ``$``."""
    axes.set_yticks(range(len(names)), labels=names, parse_math=False, color=theme.text)
    axes.set_ylim(len(names) - 0.4, -0.6)


def shorten(name: str, limit: int = 28) -> str:
    """`name` in at most `limit` characters."""
    return name if len(name) <= limit else name[: limit - 1] + "…"


def legend(figure: Figure, axes: Axes, theme: Theme, *, beside: bool = False) -> None:
    """Name the series above the axes, or in the order of the stack beside them."""
    handles, labels = axes.get_legend_handles_labels()
    if beside:  # in the order of the stack
        handles, labels = handles[::-1], labels[::-1]
    legend = figure.legend(
        handles,
        labels,
        loc="outside right upper" if beside else "outside upper left",
        ncols=1 if beside else len(labels),
        frameon=False,
        fontsize=FONT_SIZE - 1,
        labelcolor=theme.text,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
