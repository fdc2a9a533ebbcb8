"""Options of the sample generator; no heavy imports, so that ``--help`` is quick."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classification.errors import FieldmarkError

MIN_LOCATIONS = 12  # a split by location needs some for each part
MIN_IMAGES = 60  # below this the rarest species would not appear at all


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Draw a COCO Camera Traps dataset that behaves like a real one."""

    output_dir: Path
    """Folder to make: images/<location>/*.jpg and <folder name>_cct.json."""
    seed: int = 0
    """Same seed and options: the same bytes."""
    locations: int = 16
    """Camera locations, at least 12, each with its own scene and camera."""
    images: int = 1500
    """Images in all, at least 60."""
    width: int = 400
    """Image width in pixels, at least 128 (a camera mounted sideways swaps width and height)."""
    height: int = 300
    """Image height in pixels, at least 128."""
    processes: int = 0
    """Worker processes; 0: one per core. Makes no difference to the output."""
    dirty: bool = False
    """Add the faults of real archives: duplicates, broken boxes, odd names, damaged files."""

    def identity(self) -> dict[str, Any]:
        """What the output depends on; two runs with equal identities write equal bytes."""
        values = asdict(self)
        del values["output_dir"], values["processes"]
        return values

    def check(self) -> None:
        """Raise a FieldmarkError naming every option that is out of range."""
        limits = {
            "seed": 0,
            "locations": MIN_LOCATIONS,
            "images": MIN_IMAGES,
            "width": 128,
            "height": 128,
            "processes": 0,
        }
        problems = [
            f"--{name} is {getattr(self, name)}; it must be at least {limit}"
            for name, limit in limits.items()
            if getattr(self, name) < limit
        ]
        if self.images < 2 * self.locations:
            problems.append(
                f"--images {self.images} is too few for --locations {self.locations}: "
                f"give at least {2 * self.locations} images"
            )
        if problems:
            raise FieldmarkError.from_problems("cannot draw this dataset:", problems)
