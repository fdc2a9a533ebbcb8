"""Small datasets for the cleaning step, and what it wrote."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from classification.data.cct import Cct, read_cct
from classification.paths import InterimPaths
from classification.schemas import DroppedTable, read_csv

CATEGORIES = ["empty", "deer", "coyote", "car"]
TIMES = ["2020-01-01 10:00:00", "2020-01-01T10:00:50+02:00", "2020:01:01 10:01:40", "", "junk"]


class Combined:
    """What a run of the step wrote."""

    def __init__(self, folder: Path) -> None:
        paths = InterimPaths(folder)
        self.cct: Cct = read_cct(paths.clean_cct)
        self.dropped = read_csv(paths.dropped, DroppedTable, what="dropped")
        self.summary = json.loads(paths.summary.read_text())

    def labels(self) -> dict[str, str]:
        return dict(zip(self.cct.annotations["id"], self.cct.names, strict=True))

    def boxes(self) -> dict[str, Any]:
        return dict(zip(self.cct.annotations["id"], self.cct.annotations["bbox"], strict=True))

    def reasons(self, kind: str = "annotation") -> dict[str, str]:
        rows = self.dropped[self.dropped["kind"] == kind]
        return dict(zip(rows["id"], rows["reason"], strict=True))


Run = Callable[..., Combined]


def image(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "file_name": f"{name}.jpg", "width": 100, "height": 80} | more


def annotation(name: str, of: str, label: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": name, "image_id": of, "category_id": label} | more


def dataset(
    images: list[dict[str, Any]], annotations: list[dict[str, Any]], names: Any = CATEGORIES
) -> dict[str, Any]:
    categories = [{"id": i, "name": name} for i, name in enumerate(names)]
    return {"images": images, "annotations": annotations, "categories": categories}
