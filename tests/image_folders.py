"""Image folders that train in a second, and someone who labels them in Timelapse."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classification.paths.active_learning import ActiveLearningPaths
from classification.paths.labels import TimelapsePaths
from tests.tiny import BACKBONE, CLASSES, SIZE, crop

QUICK = {
    "embedding_arch": BACKBONE,
    "use_pretrained": False,
    "image_size": SIZE,
    "feat_dim": 8,
    "embedding_train_num_epochs": 1,
    "embedding_finetuning_num_epochs": 1,
    "embedding_loss_type": "softmax",
    "active_batch": 5,
    "num_workers": 1,
    "device": "cpu",
    "wait": "no",
}


@dataclass(frozen=True)
class Layout:
    """Three image folders and where the run goes; the truth is in the file names."""

    root: Path

    @property
    def train(self) -> Path:
        return self.root / "train"

    @property
    def unlabelled(self) -> Path:
        return self.root / "unlabelled"

    @property
    def validation(self) -> Path:
        return self.root / "validation"

    @property
    def files(self) -> ActiveLearningPaths:
        return ActiveLearningPaths(self.root / "Active Learning Files")

    def options(self, **fields):
        """Arguments of a quick run that ends where it would wait."""
        return {
            "train_data": self.train,
            "unlabelled_data": self.unlabelled,
            "validation_data": self.validation,
            "output_dir": self.files.root,
            **QUICK,
            **fields,
        }


def add(folder: Path, label: str, seed: int) -> Path:
    """One image of a class."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{label}_{seed}.jpg"
    crop(label, seed % 10, np.random.default_rng(seed)).save(path, quality=95)
    return path


def make_layout(root: Path, *, pool: int = 10) -> Layout:
    """Four images of each class to learn from, three to test on, and a pool."""
    layout = Layout(root)
    for label in CLASSES:
        for seed in range(4):
            add(layout.train / label, label, seed)
        for seed in range(10, 13):
            add(layout.validation / label, label, seed)
    for seed in range(20, 20 + pool):
        add(layout.unlabelled / f"cam{seed % 2}", CLASSES[seed % 3], seed)
    return layout


def truth(item: str) -> str:
    """Class of an item, out of its name."""
    return item.rpartition("/")[2].partition("_")[0]


def ticked(layout: Layout) -> list[str]:
    """Images that the selector asks for."""
    with TimelapsePaths(layout.files.root).selector.open(newline="") as f:
        rows = list(csv.DictReader(f))
    return [
        "/".join(filter(None, [row["RelativePath"].replace("\\", "/"), row["File"]]))
        for row in rows
        if row["Selected"] == "True"
    ]


def give_back(layout: Layout, labels: dict[str, str], name: str) -> None:
    """A CSV as Timelapse exports it."""
    with (TimelapsePaths(layout.files.root).returned / name).open("w", newline="") as f:
        rows = csv.writer(f)
        rows.writerow(("File", "RelativePath", "Species"))
        for item, label in labels.items():
            folder, _, file = item.rpartition("/")
            rows.writerow((file, folder.replace("/", "\\"), label))


def answer(layout: Layout, name: str) -> list[str]:
    """Label everything that is asked for, as it is."""
    asked = ticked(layout)
    give_back(layout, {item: truth(item) for item in asked}, name)
    return asked
