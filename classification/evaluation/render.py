"""Figures out of memory: to a file, or to the text of a page."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from classification.files import atomic_path


def save(figure: Figure | Image.Image, path: Path) -> None:
    """Write a figure or an image, atomically; the suffix of `path` is the format."""
    with atomic_path(path) as temporary, temporary.open("wb") as f:
        kind = path.suffix.removeprefix(".").lower()
        if isinstance(figure, Image.Image):
            figure.save(f, format={"jpg": "jpeg"}.get(kind, kind))
        else:
            with _rendering():
                figure.savefig(f, format=kind)


def to_svg(figure: Figure) -> str:
    """The figure as SVG; its text stays text, so that the browser's fonts cover every script."""
    buffer = io.StringIO()
    with _rendering():
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return buffer.getvalue()


@contextmanager
def _rendering() -> Iterator[None]:
    """The same bytes for the same figure, and no warning for a script that DejaVu lacks."""
    with warnings.catch_warnings(), mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "fm"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
