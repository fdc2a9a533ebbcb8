"""A dataset with frozen embeddings, ready to be played by any strategy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.files import sha256_lines

FOLDS = 4  # a quarter of the locations is the test


@dataclass(frozen=True, kw_only=True)
class Task:
    """Labelled embeddings and what splits must keep together.

    Attributes:
        name: of the dataset.
        embeddings: float32 [N, D].
        labels: int64 [N], class ids.
        classes: class names by id.
        units: int64 [N], what is never on both sides of a split: the camera location, or the burst
            where no location is known.
        bursts: int64 [N].
        locations: int64 [N]; None where unknown.
    """

    name: str
    embeddings: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    units: NDArray[np.int64]
    bursts: NDArray[np.int64]
    locations: NDArray[np.int64] | None = None

    def digest(self) -> str:
        """Identity of embeddings, labels and groups; results of another digest do not compare."""
        parts = [self.embeddings, self.labels, self.units, self.bursts]
        return sha256_lines([self.name, *(np.ascontiguousarray(a).data.hex() for a in parts)])[:16]


@dataclass(frozen=True, kw_only=True)
class Split:
    """Positions of a pool and of a test that share no unit; ascending."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]

    def digest(self) -> str:
        """Identity of the split."""
        return sha256_lines(["train", *map(str, self.train), "test", *map(str, self.test)])[:16]


def split_task(task: Task, seed: int) -> Split:
    """Whole units to pool or test, classes in proportion as far as the units allow.

    Successive seeds walk through the folds of one deal and then deal anew, so that the tests of
    seeds 0 to 3 together hold every item once. Test items of classes that the pool lacks are left
    out: no strategy could find them.

    Raises:
        FieldmarkError: fewer units than folds.
    """
    units, unit = np.unique(task.units, return_inverse=True)
    if len(units) < FOLDS:
        raise FieldmarkError(
            f"{task.name} has {len(units)} locations or bursts; {FOLDS} or more are needed to hold "
            "some back for the test"
        )
    deal, fold = divmod(seed, FOLDS)
    folds = _deal(unit, task.labels, np.random.default_rng(deal))[unit]
    train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
    return Split(train=train, test=test[np.isin(task.labels[test], task.labels[train])])


def _deal(
    unit: NDArray[np.intp], labels: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Fold of each unit: shuffled, sorted by their commonest class, dealt out in turn."""
    counts = np.zeros((unit.max() + 1, labels.max() + 1), dtype=np.int64)
    np.add.at(counts, (unit, labels), 1)
    order = rng.permutation(len(counts))
    order = order[np.argsort(counts[order].argmax(axis=1), kind="stable")]
    folds = np.empty(len(counts), dtype=np.intp)
    folds[order] = (np.arange(len(counts)) + rng.integers(FOLDS)) % FOLDS
    return folds
