"""Torchvision's small image sets as classification datasets, for comparisons with published work.

They get the same files as a camera-trap dataset, so that `train.py` runs on them too.
"""

import gzip
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classification.errors import FieldmarkError
from classification.files import sha256_bytes, write_bytes, write_json
from classification.paths import DatasetPaths
from classification.schemas import ClassificationTable, write_csv

if TYPE_CHECKING:
    from PIL import Image

# Name here: class in torchvision.datasets and what tells its variant.
SETS: dict[str, tuple[str, dict[str, Any]]] = {
    "mnist": ("MNIST", {}),
    "fashion_mnist": ("FashionMNIST", {}),
    "emnist_balanced": ("EMNIST", {"split": "balanced"}),
    "emnist_letters": ("EMNIST", {"split": "letters"}),
    "cifar10": ("CIFAR10", {}),
}


def write_vision_dataset(
    name: str, folder: Path, *, source: Path, images: int, download: bool = False, seed: int = 0
) -> None:
    """Write `images` random images of a set, two thirds of them from its training part.

    Args:
        name: a key of `SETS`.
        folder: of the dataset; its name is the dataset's.
        source: where torchvision keeps or finds its files.
        images: how many; 0: all.
        download: fetch what `source` lacks.
        seed: of the choice.

    Raises:
        FieldmarkError: unknown name, or the files are not in `source`.
    """
    import pandas as pd

    paths = DatasetPaths(folder)
    parts = {
        split: open_part(name, source, train=split == "train", download=download)
        for split in ("train", "test")
    }
    rng = np.random.default_rng(seed)
    rows = []
    for split, part in parts.items():
        wanted = round(images * (2 / 3 if split == "train" else 1 / 3)) if images else len(part)
        for i in np.sort(rng.permutation(len(part))[:wanted]).tolist():
            picture, label = part[i]
            item = f"{split}_{i:06d}"
            rows.append(_row(paths, folder.name, item, picture, str(part.classes[label])))
    classes = sorted({row["label"] for row in rows})
    write_json(paths.label_index, {str(i): label for i, label in enumerate(classes)})
    write_json(paths.splits, _splits(rows))
    write_csv(paths.table, pd.DataFrame(rows), ClassificationTable)


def open_part(name: str, source: Path, *, train: bool, download: bool) -> Any:
    """Training or test part of a set, as torchvision gives it.

    Raises:
        FieldmarkError: unknown name, or the files are not in `source`.
    """
    from torchvision import datasets

    if name not in SETS:
        raise FieldmarkError(f"unknown image set {name!r}; allowed: {', '.join(SETS)}")
    kind, options = SETS[name]
    try:
        with _unpacked(source, kind) as root:
            return getattr(datasets, kind)(str(root), train=train, download=download, **options)
    except RuntimeError as error:
        raise FieldmarkError(
            f"the files of {name} are not in {source} ({error}). With a network, download them; "
            "without one, put them where torchvision looks for them."
        ) from error


@contextmanager
def _unpacked(source: Path, kind: str) -> Iterator[Path]:
    """`source`, or a passing folder with its gzipped idx files as torchvision wants them."""
    packed = sorted(source.glob("*-ubyte.gz"))
    if not packed:
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / kind / "raw"
        raw.mkdir(parents=True)
        for file in packed:
            (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
        yield Path(folder)


def _row(
    paths: DatasetPaths, dataset: str, item: str, picture: "Image.Image", label: str
) -> dict[str, Any]:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "PNG")
    content = buffer.getvalue()
    write_bytes(paths.crops / f"{item}.png", content, durable=False)
    return {
        "path": f"{item}.png",
        "dataset": dataset,
        "location": None,
        "dataset_class": label,
        "confidence": 1.0,
        "label": label,
        "image_id": item,
        "annotation_id": item,
        "seq_id": None,
        "datetime": None,
        "group": f"image:{item}",
        "sha256": sha256_bytes(content),
    }


def _splits(rows: list[dict[str, Any]]) -> dict[str, list[list[str]]]:
    """The set's own test; every tenth training image is for validation."""
    splits: dict[str, list[list[str]]] = {"train": [], "val": [], "test": []}
    for i, row in enumerate(rows):
        test = row["path"].startswith("test")
        split = "test" if test else ("val" if i % 10 == 0 else "train")
        splits[split].append([row["dataset"], row["group"]])
    return {split: sorted(groups) for split, groups in splits.items()}
