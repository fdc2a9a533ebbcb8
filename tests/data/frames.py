"""A folder of generated frames, the dataset that describes them, and the crop step run on both."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from classification.data.crops import crop_detections
from classification.data.options import CropOptions
from classification.paths import DatasetPaths
from classification.schemas import CropTable, read_csv


class Frames:
    """A folder of generated frames and the dataset that describes them."""

    def __init__(self, folder: Path) -> None:
        self.images = folder / "images"
        self.out = DatasetPaths(folder / "processed" / "set")
        self.value: dict[str, Any] = {
            "images": [],
            "annotations": [],
            "categories": [{"id": 1, "name": "deer"}],
        }
        self.cct = folder / "set_cct.json"

    def add(self, name: str, *boxes: Any, size: tuple[int, int] = (320, 240), **more: Any) -> None:
        path = self.images / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(len(name)).integers(0, 256, size[::-1], dtype=np.uint8)
        Image.fromarray(np.stack([noise] * 3, axis=-1)).save(path, quality=95)
        self.describe(name, *boxes, width=size[0], height=size[1], **more)

    def describe(self, name: str, *boxes: Any, **more: Any) -> None:
        self.value["images"].append({"id": name, "file_name": name, **more})
        for number, box in enumerate(boxes):
            record = {"id": f"{name[0]}{number}", "image_id": name, "category_id": 1}
            self.value["annotations"].append(record | ({"bbox": box} if box else {}))

    def crop(self, **options: Any) -> pd.DataFrame:
        self.cct.write_text(json.dumps(self.value))
        defaults = {"images_dir": self.images, "threads": 1, "max_failures": 1.0}
        crop_detections(CropOptions(cct=self.cct, output_dir=self.out.root, **(defaults | options)))
        return self.table()

    def table(self) -> pd.DataFrame:
        table = read_csv(self.out.crop_table, CropTable, what="crops")
        return table.set_index("annotation_id", drop=False)

    def crop_file(self, annotation: str) -> Path:
        return self.out.crops / str(self.table().loc[annotation, "path"])


def snapshot(frames: Frames) -> dict[str, tuple[int, int]]:
    """What tells a file that was written again from one that was left alone, by name."""
    found = frames.out.crops.rglob("*.jpg")
    return {p.name: (p.stat().st_mtime_ns, p.stat().st_ino) for p in found}
