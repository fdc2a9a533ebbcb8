"""Options of the data steps. Light: the entry points import this before they parse."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class CropOptions:
    """Cut every annotated box out of its image."""

    cct: Path
    """COCO Camera Traps JSON, best the clean one of combine_datasets.py."""
    output_dir: Path
    """data/processed/<dataset>; receives crops/ and crops.csv."""
    images_dir: Path
    """Folder that the file names in the JSON start from."""
    crop_strategy: Literal["square", "pad"] = "square"
    """square: a square around the box, shifted into the image. pad: the box itself on black."""
    threads: int = 0
    """Processes; 0 means one per core."""
    max_size: int = 512
    """Longest side of a crop in pixels; larger ones are scaled down. 0 keeps every size."""
    min_size: int = 4
    """Boxes whose longer side is shorter than this many pixels are rejected."""
    quality: int = 90
    """JPEG quality of the crops, 1 to 95."""
    keep_truncated: bool = False
    """Crop boxes that lie in the readable part of a truncated image instead of rejecting them."""
    max_failures: float = 0.01
    """Share of annotations that may fail (missing and broken images, bad boxes) before the step
    ends with an error; boxes under --min-size do not count."""
    logdir: Path | None = None
    """Folder for the log of rejects; the output folder by default."""
