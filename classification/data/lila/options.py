"""Options of the LILA steps, and every address they start from; no heavy imports."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from classification.errors import FieldmarkError

# MegaDetector's data_management/lila/lila_common.py names the same three.
DATASETS_URL = "http://lila.science/wp-content/uploads/2023/06/lila_camera_trap_datasets.csv"
ALL_IMAGES_URL = "https://lila.science/public/lila_image_urls_and_labels.csv.zip"
TAXONOMY_URL = "https://lila.science/public/lila-taxonomy-mapping_release.csv"

Cloud = Literal["gcp", "aws", "azure"]
CLOUDS: tuple[Cloud, ...] = ("gcp", "aws", "azure")


@dataclass(frozen=True, kw_only=True)
class LilaOptions:
    """Look at, or select from, the camera-trap datasets of lila.science."""

    command: Literal["list", "metadata", "select"]
    """list: the datasets. metadata: fetch the JSON of --dataset, boxes too. select: choose images
    of all datasets and write a COCO Camera Traps JSON with the addresses for
    download_images.py."""
    output_dir: Path | None = None
    """select: folder for <name>_cct.json, sources.csv and summary.json (data/raw/<name>)."""
    dataset: list[str] = field(default_factory=list)
    """Names or short names of datasets; none: all."""
    species: list[str] = field(default_factory=list)
    """What to select: a taxon of any rank, a common name or a dataset's own label; * stands for
    anything, genus:rattus names the rank. None: every animal that has a scientific name."""
    exclude: list[str] = field(default_factory=list)
    """Taxa, common names or labels to leave out again."""
    location: list[str] = field(default_factory=list)
    """Camera locations, as 'dataset : location' or the location alone; * stands for anything."""
    start: str = ""
    """First day, as 2018-01-31; images without a date are then left out."""
    end: str = ""
    """Last day."""
    per_class: int = 0
    """Most images of a class; 0: no limit."""
    per_location: int = 0
    """Most images of a class at one location, so that no camera fills a class; 0: no limit."""
    per_sequence: int = 0
    """Most images of a class in one sequence (burst); 0: no limit."""
    max_images: int = 250_000
    """Most images in all: a larger selection is an error, which guards the memory."""
    empties: bool = False
    """Also select images in which nothing is, as class empty; the limits hold for it too."""
    mixed: bool = False
    """Also select images that show something else as well; it stays unlabelled."""
    class_name: Literal[
        "scientific_name", "common_name", "original_label", "species", "genus", "family", "order"
    ] = "scientific_name"
    """What classes are named by; a label known less exactly keeps its scientific name."""
    boxes: Literal["published", "all", "none"] = "published"
    """published: join the separate box files of datasets that have one. all: also look for boxes
    in the other datasets' own JSON (large). none."""
    rows_from: Literal["table", "metadata"] = "table"
    """table: LILA's table of all images (over 1 GB, fetched once). metadata: the JSON of each
    --dataset, which is quicker for one or two datasets."""
    cloud: list[Cloud] = field(default_factory=lambda: list(CLOUDS))
    """Clouds to fetch from, in order of preference; the others step in."""
    seed: int = 0
    """Chooses among the images where there are more than a limit allows."""
    cache_dir: Path = Path("data/raw/lila")
    """Where fetched tables and JSON files are kept for the next time."""
    refresh: bool = False
    """Fetch them again."""
    datasets_url: str = DATASETS_URL
    """CSV of the datasets: address or local file."""
    all_images_url: str = ALL_IMAGES_URL
    """CSV of all images, may be zipped: address or local file."""
    taxonomy_url: str = TAXONOMY_URL
    """CSV that maps labels to taxa: address or local file."""

    def check(self) -> None:
        """Raise a FieldmarkError naming every option that cannot be used."""
        problems = [
            f"--{name.replace('_', '-')} is {getattr(self, name)}; it must be at least {least}"
            for name, least in (
                ("per_class", 0),
                ("per_location", 0),
                ("per_sequence", 0),
                ("max_images", 1),
                ("seed", 0),
            )
            if getattr(self, name) < least
        ]
        problems += [
            f"--{name} {getattr(self, name)!r} is not a day: write it as 2018-01-31"
            for name in ("start", "end")
            if getattr(self, name) and not _is_day(getattr(self, name))
        ]
        if not self.cloud:
            problems.append(f"--cloud names none of {', '.join(CLOUDS)}")
        if self.command == "select" and self.output_dir is None:
            problems.append("select needs --output-dir, say data/raw/rats")
        if self.command == "metadata" and not self.dataset:
            problems.append("metadata needs --dataset; 'list' prints the names")
        if self.rows_from == "metadata" and self.command == "select" and not self.dataset:
            problems.append("--rows-from metadata needs --dataset: which JSON to read")
        if problems:
            raise FieldmarkError.from_problems("these options cannot be used:", problems)


@dataclass(frozen=True, kw_only=True)
class SpeciesOptions:
    """Which camera locations hold a species, and what else is there."""

    species: list[str]
    """Species to look for: a category of the JSON, or in LILA's table a taxon of any rank, a
    common name or a label; * stands for anything."""
    cct: list[Path] = field(default_factory=list)
    """COCO Camera Traps JSON to look in; none: LILA's table of all images."""
    dataset: list[str] = field(default_factory=list)
    """Names of LILA datasets; none: all."""
    output_dir: Path = Path("data/interim/species")
    """Folder for <species>_locations.csv and <species>_locations.png."""
    top: int = 25
    """Locations in the printed table and in the figure."""
    cache_dir: Path = Path("data/raw/lila")
    """Where LILA's tables are kept."""
    refresh: bool = False
    """Fetch them again."""
    datasets_url: str = DATASETS_URL
    """CSV of the datasets: address or local file."""
    all_images_url: str = ALL_IMAGES_URL
    """CSV of all images, may be zipped: address or local file."""
    taxonomy_url: str = TAXONOMY_URL
    """CSV that maps labels to taxa: address or local file."""


def _is_day(text: str) -> bool:
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False
