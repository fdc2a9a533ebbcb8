"""Datasets for comparisons: torchvision's small ones, arrays, image folders, tables."""

from pathlib import Path

import numpy as np

from classification.comparison.arrays import SUFFIX, ArrayPrep, read_arrays
from classification.comparison.data_prep import ArrayImages, DataPrep, FileImages
from classification.comparison.vision import SETS, open_part
from classification.config import DataConfig
from classification.data.dataset import load_dataset
from classification.data.images import IMAGE_SUFFIXES
from classification.data.table import burst_ids, location_ids
from classification.errors import FieldmarkError
from classification.paths import DatasetPaths

_TEST_SHARE = 0.25  # of each class of a folder that has no test of its own
_SIDE = 64  # pixels, of images in files


def open_prep(
    name: str, *, source: Path = Path("data/raw"), download: bool = False, images: int = 0
) -> DataPrep:
    """A dataset by name.

    Args:
        name: a key of `SETS` (cifar10, emnist_balanced, ...), an .npz file with images, a folder
            with a classification table, or an image folder: with a subfolder per class, or with
            such a folder in ``train/`` and one in ``test/``.
        source: where torchvision keeps its files, or the folder with the gzipped files of a set.
        download: fetch what `source` lacks.
        images: most images of a set by name, two thirds of them from its training part; 0: all.

    Raises:
        FieldmarkError: unknown name, missing files, or a dataset that cannot be used.
    """
    if name in SETS:
        return VisionPrep(name, source=source, download=download, images=images)
    if name.endswith(SUFFIX):
        arrays = read_arrays(Path(name))
        if arrays.embedded:
            raise FieldmarkError(
                f"{name} holds embeddings: they are compared with training: frozen; a network that "
                "is trained end to end needs images"
            )
        return ArrayPrep(arrays)
    folder = Path(name)
    if DatasetPaths(folder).table.exists():
        return TablePrep(folder)
    if folder.is_dir():
        return FolderPrep(folder)
    raise FieldmarkError(
        f"unknown dataset {name!r}: it is neither a folder nor an .npz file, and the sets with a "
        f"name are {', '.join(SETS)}"
    )


class VisionPrep(DataPrep):
    """One of torchvision's small image sets, in memory."""

    def __init__(
        self, name: str, *, source: Path, download: bool = False, images: int = 0, seed: int = 0
    ) -> None:
        rng, parts = np.random.default_rng(seed), {}
        for split, share in (("train", 2 / 3), ("test", 1 / 3)):
            part = open_part(name, source, train=split == "train", download=download)
            wanted = round(images * share) if images else len(part)
            rows = np.sort(rng.permutation(len(part))[:wanted])
            parts[split] = part, rows, np.asarray(part.targets)[rows]
        ids = np.unique(np.concatenate([labels for *_, labels in parts.values()]))
        self.name = name
        self.classes = tuple(str(parts["train"][0].classes[i]) for i in ids)
        given = {
            split: ArrayImages(
                pixels=np.asarray(part.data)[rows],
                targets=np.searchsorted(ids, labels).astype(np.int64),
            )
            for split, (part, rows, labels) in parts.items()
        }
        self.train = self.query = given["train"]
        self.test = given["test"]
        self.image_size = given["train"].pixels.shape[1]


class FolderPrep(DataPrep):
    """Image folders: a subfolder per class, in ``train/`` and ``test/`` or without them.

    Without them a quarter of each class is the test, drawn once for all.
    """

    def __init__(self, folder: Path) -> None:
        self.name, self.image_size = folder.name, _SIDE
        own = (folder / "train").is_dir() and (folder / "test").is_dir()
        roots = [folder / "train", folder / "test"] if own else [folder]
        found = [_images_by_class(root) for root in roots]
        self.classes = tuple(sorted(found[0]))
        if strange := sorted(set(found[-1]) - set(self.classes)):
            raise FieldmarkError(
                f"{roots[-1]} has classes that {roots[0]} lacks: {', '.join(strange)}"
            )
        parts = found if own else _divided(found[0])
        self.train = self.query = self._files(folder, parts[0])
        self.test = self._files(folder, parts[1])

    def _files(self, folder: Path, by_class: dict[str, list[Path]]) -> FileImages:
        pairs = [(path, self.classes.index(name)) for name in by_class for path in by_class[name]]
        return FileImages(
            folder=folder,
            paths=[path.relative_to(folder).as_posix() for path, _ in pairs],
            targets=np.array([label for _, label in pairs], dtype=np.int64),
        )


class TablePrep(DataPrep):
    """What create_classification_dataset.py wrote, with its own train and test splits."""

    def __init__(self, folder: Path) -> None:
        dataset = load_dataset(DataConfig(dir=str(folder)))
        self.name, self.classes, self.image_size = folder.name, dataset.classes, _SIDE
        rows = {s: dataset.rows(s, labelled=True) for s in ("train", "test")}
        self.train = self.query = FileImages(
            folder=dataset.crops,
            paths=[dataset.paths[i] for i in rows["train"]],
            targets=dataset.labels[rows["train"]],
        )
        self.test = FileImages(
            folder=dataset.crops,
            paths=[dataset.paths[i] for i in rows["test"]],
            targets=dataset.labels[rows["test"]],
        )
        pool = dataset.table.iloc[rows["train"]]
        self.bursts, self.locations = burst_ids(pool), location_ids(pool)


def _images_by_class(root: Path) -> dict[str, list[Path]]:
    """Images of every subfolder that holds any, at any depth."""
    found = {
        folder.name: sorted(
            path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES
        )
        for folder in sorted(root.iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
    }
    found = {name: images for name, images in found.items() if images}
    if len(found) < 2:
        raise FieldmarkError(
            f"{root} has {len(found)} class folders with images ({', '.join(found) or 'none'}); a "
            "comparison needs at least two"
        )
    return found


def _divided(found: dict[str, list[Path]]) -> list[dict[str, list[Path]]]:
    """Pool and test of a folder that has no test of its own; every class in both."""
    rng, parts = np.random.default_rng(0), [{}, {}]
    for name, images in found.items():
        if len(images) < 2:
            raise FieldmarkError(f"class {name!r} has one image; it takes two, to test one")
        order = rng.permutation(len(images))
        tested = max(1, round(_TEST_SHARE * len(images)))
        parts[0][name] = [images[i] for i in np.sort(order[tested:])]
        parts[1][name] = [images[i] for i in np.sort(order[:tested])]
    return parts
