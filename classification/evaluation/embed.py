"""Figures and thumbnails as ``data:`` addresses, so that a page is complete in itself."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from classification.evaluation.render import to_svg
from classification.evaluation.theme import DARK, LIGHT, Theme
from classification.evaluation.thumbnails import data_uri, thumbnail

if TYPE_CHECKING:
    import pandas as pd

_DPI = 110  # CSS pixels per inch: figure text as large as the page's tables
_THUMBNAIL = 224  # pixels; shown at about half, sharp on a phone


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure in both themes, as ``data:`` addresses."""

    light: str
    dark: str
    alt: str
    width: int
    """Natural width in CSS pixels."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One item with its thumbnail."""

    source: str | None
    """A ``data:`` address, or None where the crop cannot be shown."""
    path: str
    title: str
    confidence: float | None
    truth: str | None = None


def picture(draw: Callable[[Theme], Figure], *, alt: str) -> Picture:
    """The figure that `draw` makes, in both themes."""
    light, dark = draw(LIGHT), draw(DARK)
    return Picture(
        light=_svg_uri(to_svg(light)),
        dark=_svg_uri(to_svg(dark)),
        alt=alt,
        width=round(light.get_figwidth() * _DPI),
    )


def _svg_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def tiles(table: "pd.DataFrame", crops_dir: Path | None, *, title: str) -> list[Tile]:
    """One tile per row of `table`: path, confidence, the column `title` and, if any, label."""
    return [
        Tile(
            source=_crop(crops_dir, row["path"]),
            path=row["path"],
            title=_text(row[title]) or "no guess yet",
            confidence=_number(row["confidence"]),
            truth=_text(row.get("label")),
        )
        for row in table.to_dict("records")
    ]


def _crop(crops_dir: Path | None, name: str) -> str | None:
    """The thumbnail of a crop; never of a file outside the crops folder."""
    if crops_dir is None:
        return None
    path = crops_dir / name
    if not path.resolve().is_relative_to(crops_dir.resolve()):
        return None
    image = thumbnail(path, size=_THUMBNAIL)
    return data_uri(image) if image else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float | None:
    return float(value) if value is not None and value == value else None  # NaN differs from itself
