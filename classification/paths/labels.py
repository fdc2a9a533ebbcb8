"""File names of the exchange of labels with other tools."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TimelapsePaths:
    """What a run gives to Timelapse and gets back; `root` is the run folder."""

    root: Path

    @property
    def selector(self) -> Path:
        """All images, with those to label ticked; imported into Timelapse."""
        return self.root / "timelapse_selector.csv"

    @property
    def template(self) -> Path:
        """Timelapse's default name; belongs beside the images."""
        return self.root / "TimelapseTemplate.tdb"

    @property
    def returned(self) -> Path:
        """Folder for the CSV files that Timelapse exports."""
        return self.root / "new_labels_bin"

    @property
    def problems(self) -> Path:
        """Rows of the last CSV that could not be taken, and why."""
        return self.root / "label_problems.csv"

    @property
    def outputs(self) -> list[Path]:
        """What the run writes; the returned files are people's."""
        return [self.selector, self.template, self.problems]


def notebook_store() -> Path:
    """Where decisions made in a notebook are kept unless it names another file."""
    return Path("labels.db")
