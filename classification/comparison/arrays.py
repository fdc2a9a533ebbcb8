"""Datasets of one's own as arrays in a file: embeddings or pictures, labels, and where from.

np.savez("mine.npz", embeddings=x, labels=names)             # float [N, D]; [N], names or class ids
np.savez("mine.npz", images=pixels, labels=ids, classes=["cat", "dog"], locations=cameras)

`images` are uint8 [N, H, W] or [N, H, W, 3]. Beside them may stand `locations` and `bursts` [N]
(numbers or names; below 0 or empty: unknown) and `test` bool [N]. Without `test` whole locations
(else bursts, else single items) are held back: other ones by each seed for embeddings, one quarter
for pictures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from classification.comparison.data_prep import ArrayImages, DataPrep
from classification.comparison.task import Split, Task, split_task
from classification.errors import FieldmarkError, refuse

SUFFIX = ".npz"
_KNOWN = ("embeddings", "images", "labels", "classes", "locations", "bursts", "test")


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """What such a file holds.

    Attributes:
        name: of the file, without its suffix.
        items: float32 [N, D], or uint8 pictures.
        labels: int64 [N], class ids.
        classes: class names by id.
        locations, bursts: int64 [N], below 0 where unknown; None where not given.
        test: bool [N]; None where not given.
    """

    name: str
    items: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    locations: NDArray[np.int64] | None
    bursts: NDArray[np.int64] | None
    test: NDArray[np.bool_] | None

    @property
    def embedded(self) -> bool:
        """Whether these are embeddings."""
        return self.items.ndim == 2


def read_arrays(path: Path) -> Arrays:
    """Read such a file.

    Raises:
        FieldmarkError: no such file, or all that is wrong with its arrays.
    """
    given = _read(path)
    refuse(f"{path} cannot be compared on:", _faults(given))
    labels, classes = _classes(given["labels"], given.get("classes"))
    items = given["embeddings"] if "embeddings" in given else given["images"]
    return Arrays(
        name=path.stem,
        items=items.astype(np.float32) if "embeddings" in given else items,
        labels=labels,
        classes=classes,
        locations=_ids(given.get("locations")),
        bursts=_ids(given.get("bursts")),
        test=given.get("test"),
    )


def array_task(arrays: Arrays) -> Task:
    """Embeddings as a task: a strategy sees them as they are.

    Raises:
        FieldmarkError: too few locations or bursts to hold some back.
    """
    n, test = len(arrays.labels), arrays.test
    each = np.arange(n, dtype=np.int64)
    bursts = _filled(arrays.bursts, each)
    return Task(
        name=arrays.name,
        embeddings=arrays.items if arrays.embedded else np.zeros((n, 0), dtype=np.float32),
        labels=arrays.labels,
        classes=arrays.classes,
        units=_filled(arrays.locations, bursts),
        bursts=bursts,
        locations=arrays.locations,
        split=None if test is None else Split(train=each[~test], test=each[test]),
    )


class ArrayPrep(DataPrep):
    """Pictures in a file, with the test it names or a quarter of their locations."""

    def __init__(self, arrays: Arrays) -> None:
        split = split_task(array_task(arrays), 0)
        parts = [
            ArrayImages(pixels=arrays.items[rows], targets=arrays.labels[rows])
            for rows in (split.train, split.test)
        ]
        self.name, self.classes = arrays.name, arrays.classes
        self.train = self.query = parts[0]
        self.test = parts[1]
        self.image_size = max(arrays.items.shape[1:3])
        self.bursts = None if arrays.bursts is None else arrays.bursts[split.train]
        self.locations = None if arrays.locations is None else arrays.locations[split.train]


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with ZipFile(path):  # else NumPy takes it for something that it may not unpickle
            return dict(np.load(path, allow_pickle=False))
    except FileNotFoundError:
        raise FieldmarkError(f"no such file: {path}") from None
    except (OSError, ValueError, BadZipFile) as error:
        raise FieldmarkError(
            f"{path} cannot be read: {error}. Write it by np.savez; names as np.array(names, "
            "dtype=str), not as objects."
        ) from error


def _faults(given: Mapping[str, NDArray[Any]]) -> list[str]:
    """All that is wrong with the arrays, in words."""
    found = [f"{name} is unknown; allowed: {', '.join(_KNOWN)}" for name in set(given) - {*_KNOWN}]
    if "labels" not in given or ("embeddings" in given) == ("images" in given):
        return [*found, "it must have labels, and either embeddings or images"]
    labels = given["labels"]
    n = labels.shape[0] if labels.ndim else 0
    found += [
        f"{name} has {len(array) if array.ndim else 'no'} rows, labels has {n}"
        for name, array in given.items()
        if name not in ("labels", "classes")
        and name in _KNOWN
        and (not array.ndim or len(array) != n)
    ]
    x, pixels = given.get("embeddings"), given.get("images")
    if x is not None and not (
        x.ndim == 2 and x.size and x.dtype.kind in "fiu" and np.isfinite(x).all()
    ):
        found.append(f"embeddings are {x.dtype} {list(x.shape)}; give finite numbers [N, D]")
    if pixels is not None and (
        pixels.dtype != np.uint8 or pixels.shape[3:] not in ((), (3,)) or pixels.ndim < 3
    ):
        found.append(
            f"images are {pixels.dtype} {list(pixels.shape)}; give uint8 [N, H, W] or [N, H, W, 3]"
        )
    if "test" in given and (given["test"].dtype != bool or not 0 < given["test"].sum() < n):
        found.append("test must be bool, with both False (the pool) and True")
    if labels.ndim != 1 or labels.dtype.kind not in "iuU":
        found.append(f"labels are {labels.dtype} {list(labels.shape)}; give names or class ids [N]")
    elif unlabelled := int((labels == "" if labels.dtype.kind == "U" else labels < 0).sum()):
        found.append(f"{unlabelled} labels are empty or below 0: a comparison knows all labels")
    elif len(np.unique(labels)) < 2:
        found.append("labels hold one class; a comparison needs two")
    elif strange := _without_class(labels, given.get("classes")):
        found.append(strange)
    return found


def _without_class(labels: NDArray[Any], classes: NDArray[Any] | None) -> str | None:
    """What is wrong with labels beside the class names that are given, if any are."""
    if classes is None:
        return None
    if labels.dtype.kind == "U":
        unknown = sorted(set(labels.tolist()) - set(classes.tolist()))
        return f"labels are none of classes: {', '.join(unknown[:5])}" if unknown else None
    if labels.max() < len(classes):
        return None
    return f"labels go up to {labels.max()}, there are {len(classes)} classes"


def _classes(
    labels: NDArray[Any], classes: NDArray[Any] | None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Class ids and names; without names of classes those that occur, in order."""
    if classes is None:
        names, ids = np.unique(labels, return_inverse=True)
        return ids.astype(np.int64), tuple(map(str, names.tolist()))
    names = tuple(map(str, classes.tolist()))
    if labels.dtype.kind != "U":
        return labels.astype(np.int64), names
    at = {name: i for i, name in enumerate(names)}
    return np.array([at[name] for name in labels.tolist()], dtype=np.int64), names


def _ids(given: NDArray[Any] | None) -> NDArray[np.int64] | None:
    """Numbers of what is named or numbered, -1 where it is unknown."""
    if given is None:
        return None
    known = given >= 0 if given.dtype.kind in "iuf" else given.astype(str) != ""
    ids = np.unique(given, return_inverse=True)[1].astype(np.int64)
    return np.where(known, ids, -1)


def _filled(ids: NDArray[np.int64] | None, other: NDArray[np.int64]) -> NDArray[np.int64]:
    """`ids`, and in their place `other` (of numbers beyond them) where they are unknown."""
    if ids is None:
        return other
    return np.where(ids >= 0, ids, ids.max(initial=0) + 1 + other)
