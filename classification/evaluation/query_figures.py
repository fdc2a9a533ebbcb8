"""Figures of what was asked for: where in the embedding, of which class, from which cameras."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from classification.evaluation.theme import (
    FONT_SIZE,
    LIGHT,
    SMALL,
    Theme,
    new_figure,
    panel_grid,
    percent,
    row_names,
    shorten,
    style,
    title,
)

UNASKED, EARLIER, NEW = 0, 1, 2  # states of an item


def embedding_map(
    plane: NDArray[np.floating],
    state: NDArray[np.integer],
    labels: Sequence[str] | NDArray[np.str_],
    *,
    name: str = "",
    theme: Theme = LIGHT,
) -> Figure:
    """The embedding twice: by what was asked and when, and by class.

    Args:
        plane: float [N, 2], as `embedding_map.plane`.
        state: int [N]: 0 not asked for, 1 asked for earlier, 2 asked for now.
        labels: class of each item [N]; the seven most frequent keep a colour.
        name: above the left panel.
        theme: colours.
    """
    figure = new_figure(theme, height=4.4)
    left, right = figure.subplots(1, 2)
    kinds = (
        ("not asked for", UNASKED, theme.categories[-1], 7),
        ("earlier", EARLIER, theme.first, 18),
        ("now", NEW, theme.second, 26),
    )
    shown = [(text, np.asarray(state) == value, c, size) for text, value, c, size in kinds]
    title(left, theme, f"{shorten(name)} asked for" if name else "Asked for")
    _scatter(left, plane, shown, theme)
    title(right, theme, "Classes")
    _scatter(right, plane, _by_class(np.asarray(labels), theme), theme)
    return figure


def _by_class(
    labels: NDArray[np.str_], theme: Theme
) -> list[tuple[str, NDArray[np.bool_], str, int]]:
    names, counts = np.unique(labels, return_counts=True)
    ranked = [str(n) for n in names[np.argsort(-counts, kind="stable")]]
    most = len(theme.categories) - 1
    own, others = (ranked, []) if len(ranked) <= most + 1 else (ranked[:most], ranked[most:])
    layers = [
        (name, labels == name, colour, 9)
        for name, colour in zip(own, theme.categories, strict=False)
    ]
    if others:
        grey = theme.categories[-1]
        layers.insert(0, (f"{len(others)} others", np.isin(labels, others), grey, 9))
    return layers


def _scatter(
    axes: Axes,
    plane: NDArray[np.floating],
    layers: Sequence[tuple[str, NDArray[np.bool_], str, int]],
    theme: Theme,
) -> None:
    """Points of each layer (name, rows, colour, area), later ones on top."""
    style(axes, theme, grid=None)
    handles = []
    for text, rows, colour, size in layers:
        axes.scatter(*plane[rows].T, s=size, color=colour, linewidths=0, alpha=0.85)
        label = f"{shorten(text, 18)} {rows.sum():,}"
        handles.append(Line2D([], [], color=colour, marker="o", linestyle="", label=label))
    axes.set_xticks([])
    axes.set_yticks([])
    legend = axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False,
        fontsize=SMALL["fontsize"] - 1, labelcolor=theme.text, handletextpad=0.1, columnspacing=0.8,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)


def queried_shares(
    counts: Mapping[str, Mapping[str, float]],
    *,
    reference: str = "random",
    theme: Theme = LIGHT,
) -> Figure:
    """Share of each class in what a strategy asked for, a small panel per strategy.

    A tick marks the share in what the reference asked for: of random picks, the class's share of
    the pool. Classes in the order of that share, the twelve most frequent.

    Args:
        counts: number of queries by class, by strategy.
        reference: strategy that gives the ticks; without it there are none.
        theme: colours.
    """
    table = pd.DataFrame(counts).fillna(0.0)
    shares = table / table.sum()
    basis = shares[reference] if reference in shares else shares.mean(axis=1)
    classes = [str(name) for name in basis.sort_values(ascending=False, kind="stable").index[:12]]
    names = [str(name) for name in shares if name != reference] or [reference]
    height = 0.5 + 0.17 * len(classes)
    figure, panels = panel_grid(theme, len(names), columns=3, height=height)
    rows = np.arange(len(classes))
    for axes, name in zip(panels, names, strict=True):
        style(axes, theme, grid="x")
        axes.barh(rows, shares[name][classes], 0.62, color=theme.first)
        if reference in shares:
            axes.vlines(basis[classes], rows - 0.42, rows + 0.42, color=theme.text, linewidth=1.5)
        text = shorten(name)
        axes.set_title(text, loc="left", color=theme.text, parse_math=False, fontsize=FONT_SIZE - 1)
        row_names(axes, [shorten(c, 16) for c in classes], theme)
        percent(axes, axis="x")
        axes.set_xlim(0, float(shares.loc[classes].to_numpy().max()) * 1.08)
    return figure


def query_places(
    places: pd.DataFrame, *, reference: str = "random", theme: Theme = LIGHT
) -> Figure:
    """How many cameras and bursts the queries come from, a row per round or strategy.

    Cameras are left out where none is known.

    Frames of one burst say nearly the same; a batch from many cameras and bursts says more.

    Args:
        places: as `count_places`, indexed by name.
        reference: row that is drawn as a line through all others, if it is there.
        theme: colours.
    """
    columns = [name for name in ("locations", "bursts") if places[name].notna().any()]
    figure = new_figure(theme, height=1.1 + 0.24 * max(len(places), 2))
    panels = figure.subplots(1, max(1, len(columns)), sharey=True, squeeze=False)[0]
    rows = np.arange(len(places))
    for axes, column in zip(panels, columns, strict=False):
        style(axes, theme, grid="x")
        title(axes, theme, column.capitalize())
        known = places[column].to_numpy(dtype=float)
        axes.barh(rows, known, 0.62, color=theme.first)
        for row, value in zip(rows, known, strict=True):
            axes.annotate(
                f"{value:,.3g}", (value, row),
                xytext=(4, 0), textcoords="offset points", va="center", color=theme.muted, **SMALL,
            )  # fmt: skip
        if reference in places.index and len(places) > 1:
            axes.axvline(float(places[column][reference]), color=theme.text, linewidth=1)
        axes.margins(x=0.12)
    row_names(panels[0], [shorten(str(name), 24) for name in places.index], theme)
    return figure


def count_places(
    queries: Mapping[str, NDArray[np.integer]],
    *,
    bursts: NDArray[np.integer],
    locations: NDArray[np.integer] | None,
) -> pd.DataFrame:
    """Distinct locations and bursts among the items of each query.

    Args:
        queries: positions of items, by name of the round or strategy.
        bursts: int [N].
        locations: int [N], -1 where unknown; None where none is known.

    Returns:
        items, locations (NaN where unknown), bursts; a row per name.
    """
    rows = {
        name: {
            "items": len(items),
            "locations": np.nan if locations is None else _distinct(locations[items]),
            "bursts": _distinct(bursts[items]),
        }
        for name, items in queries.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["items", "locations", "bursts"])


def _distinct(values: NDArray[np.integer]) -> int:
    return len(np.unique(values[values >= 0]))
