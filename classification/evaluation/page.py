"""Pages that are complete in themselves: templates, and how numbers are written in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TEMPLATES = Path(__file__).parents[1]


def render(template: str, context: Mapping[str, Any]) -> str:
    """The page that `template`, named relative to the package, makes of `context`.

    Everything is escaped; a name that the context lacks is an error.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "interval": interval,
        "points": points,
        "duration": duration,
    }
    return environment.get_template(template).render(context)


def percent(value: float | None, digits: int = 0) -> str:
    """0.314 as 31%; a dash where unknown."""
    return "–" if value is None or value != value else f"{value:.{digits}%}"


def interval(bounds: list[float] | None) -> str:
    """[0.25, 0.4] as 25–40%."""
    return "" if bounds is None else f"{100 * bounds[0]:.0f}–{100 * bounds[1]:.0f}%"


def points(value: float) -> str:
    """A difference of shares in percentage points: 0.0123 as 1.2."""
    return f"{100 * value:.1f}"


def duration(seconds: float) -> str:
    """5000 as 83 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
