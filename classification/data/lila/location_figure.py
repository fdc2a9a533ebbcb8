"""The locations of a species as bars: the species, other labels, empties."""

import pandas as pd
from matplotlib.figure import Figure

_PARTS = (("species_images", "the species", "#1b7f5c"), ("other_images", "other", "#c9a227"),
          ("empty_images", "empty", "#c8cdd2"))  # fmt: skip


def location_figure(table: pd.DataFrame, *, title: str) -> Figure:
    """Stacked bars of images per location, in the order of `table` (see `location_table`)."""
    table = table.assign(
        other_images=(table["images"] - table["species_images"] - table["empty_images"]).clip(0)
    )
    figure = Figure(figsize=(9, 1.6 + 0.3 * len(table)), layout="constrained")
    axes = figure.subplots()
    left = pd.Series(0.0, index=table.index)
    for column, label, colour in _PARTS:
        axes.barh(range(len(table)), table[column], left=left, color=colour, label=label)
        left += table[column]
    for row, (images, others) in enumerate(zip(left, table["others"], strict=True)):
        text = others if len(others) < 60 else others[:57] + "..."
        axes.annotate(text, (images, row), xytext=(4, 0), textcoords="offset points", va="center",
                      fontsize=7, color="#555555")  # fmt: skip
    axes.set_yticks(range(len(table)), [str(name)[:45] for name in table["location"]], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, float(left.max()) * 1.45)  # room for what else is there
    axes.set_xlabel("images")
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure
