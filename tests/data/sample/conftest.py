import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from classification.data.sample.dataset import make_sample_dataset
from classification.data.sample.options import SampleOptions

SMALL: dict[str, Any] = {"images": 72, "locations": 12, "width": 160, "height": 128, "processes": 1}


@dataclass(frozen=True)
class Sample:
    root: Path
    cct: dict[str, Any]

    def __post_init__(self) -> None:
        assert self.cct["images"]

    @property
    def images(self) -> dict[str, dict[str, Any]]:
        return {image["id"]: image for image in self.cct["images"]}

    @property
    def boxed(self) -> list[dict[str, Any]]:
        return [one for one in self.cct["annotations"] if "bbox" in one]

    def upright(self, image: dict[str, Any]) -> np.ndarray:
        with Image.open(self.root / "images" / image["file_name"]) as stored:
            return np.asarray(ImageOps.exif_transpose(stored))


def make(folder: Path, **changes: Any) -> Sample:
    options = SampleOptions(output_dir=folder, **(SMALL | changes))
    path = make_sample_dataset(options)
    return Sample(folder, json.loads(path.read_text()))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A clean dataset of 72 small pictures."""
    return make(tmp_path_factory.mktemp("clean") / "wild")
