"""A dataset that trains in a second: coloured shapes at cameras with their own background."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from classification.data.splits import write_splits
from classification.files import sha256_file
from classification.paths import DatasetPaths, RunPaths

CLASSES = ("cat", "deer", "fox")
SIZE = 32
BACKBONE = "timm/test_resnet"


@dataclass(frozen=True)
class Tiny:
    """A processed dataset and a run folder with a configuration."""

    data: DatasetPaths
    run: RunPaths


def crop(label: str, location: int, rng: np.random.Generator) -> Image.Image:
    """A 32 px crop: the class is the shape and, loosely, the colour."""
    pixels = np.full((SIZE, SIZE, 3), 40 + 10 * location, dtype=float)
    y, x = np.mgrid[:SIZE, :SIZE] - rng.integers(12, 20)
    inside = {
        "cat": abs(x) + abs(y) < 9,
        "deer": (abs(x) < 4) | (abs(y) < 2),
        "fox": (x**2 + y**2 < 70) & (x**2 + y**2 > 20),
    }[label]
    colour = {"cat": (200, 90, 80), "deer": (90, 190, 90), "fox": (190, 150, 40)}[label]
    pixels[inside] = np.array(colour) + rng.normal(0, 25, 3)
    return Image.fromarray((pixels + rng.normal(0, 12, pixels.shape)).clip(0, 255).astype(np.uint8))


def make_dataset(folder: Path, *, locations: int = 10, per_location: int = 9) -> DatasetPaths:
    """Crops, table, label index and splits, as the data steps write them."""
    paths = DatasetPaths(folder)
    paths.crops.mkdir(parents=True)
    rows = []
    for location in range(locations):
        for number in range(per_location):
            label = CLASSES[(location + number) % len(CLASSES)]
            rng = np.random.default_rng([location, number])
            name = f"cam{location}_{number}.jpg___crop_a{location}_{number}.jpg"
            crop(label, location, rng).save(paths.crops / name, quality=95)
            rows.append(
                {
                    "path": name,
                    "dataset": "tiny",
                    "location": f"cam{location}",
                    "dataset_class": label,
                    "confidence": 1.0,
                    "label": label,
                    "image_id": f"i{location}_{number}",
                    "annotation_id": f"a{location}_{number}",
                    "seq_id": f"s{location}_{number // 3}",
                    "datetime": f"2024-05-{location + 1:02d} 10:{number:02d}:00",
                    "group": f"cam{location}",
                    "sha256": sha256_file(paths.crops / name),
                }
            )
    pd.DataFrame(rows).to_csv(paths.table, index=False)
    paths.label_index.write_text(json.dumps({str(i): c for i, c in enumerate(CLASSES)}))
    cams = [("tiny", f"cam{i}") for i in range(locations)]
    write_splits(
        paths.splits, {"train": set(cams[4:]), "val": set(cams[:2]), "test": set(cams[2:4])}
    )
    return paths


def hide_labels(source: DatasetPaths, folder: Path, *, keep: int = 0) -> DatasetPaths:
    """A copy of a dataset whose train labels, but for the first `keep`, nobody has given yet."""
    shutil.copytree(source.root, folder)
    paths = DatasetPaths(folder)
    table = pd.read_csv(paths.table)
    train = table.index[~table["location"].isin([f"cam{i}" for i in range(4)])]
    table.loc[train[keep:], "label"] = None
    table.to_csv(paths.table, index=False)
    return paths


def make_tiny(folder: Path, **fields: object) -> Tiny:
    """A dataset in ``folder/data`` and a configured run in ``folder/runs/test/tiny``.

    Dotted names in `fields` (``{"query.size": 5}``) override the configuration.
    """
    tiny = Tiny(data=make_dataset(folder / "data"), run=RunPaths(folder / "runs" / "test" / "tiny"))
    write_config(tiny, **fields)
    return tiny


def write_config(tiny: Tiny, **fields: object) -> None:
    """The run's configuration: two rounds of six queries, everything small."""
    values: dict[str, object] = {
        "rounds": 2,
        "bootstrap": 20,
        "data.dir": str(tiny.data.root),
        "backbone.name": BACKBONE,
        "backbone.weights": "none",
        "backbone.image_size": SIZE,
        "backbone.batch_size": 8,
        "finetune.epochs": 1,
        "finetune.every": 6,
        "finetune.batch_size": 8,
        "query.size": 6,
        "query.seed_size": 8,
        "tracking.enabled": False,
        "launch.device": "cpu",
        "launch.threads": 2,
    } | fields
    nested: dict[str, object] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[name] = value  # type: ignore[index]
    tiny.run.root.mkdir(parents=True, exist_ok=True)
    tiny.run.config.write_text(yaml.safe_dump(nested))
