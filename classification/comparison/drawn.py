"""What the plotters give back."""

import io
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from classification.evaluation.render import save


@dataclass(frozen=True)
class Drawn:
    """A figure to show or to save; notebooks show it by themselves."""

    figure: Figure

    def show(self) -> None:
        """Open the figure in the system's viewer."""
        from PIL import Image

        Image.open(io.BytesIO(self._repr_png_())).show()

    def savefig(self, path: str | Path) -> None:
        """Write a file; the suffix is the format."""
        save(self.figure, Path(path))

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png")
        return buffer.getvalue()
