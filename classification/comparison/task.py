"""A dataset and what learns from it, ready to be played by any strategy."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classification.environment import Engine
from classification.errors import FieldmarkError
from classification.files import sha256_lines

FOLDS = 4  # a quarter of the locations is the test


def _nothing() -> NDArray[np.intp]:
    return np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, kw_only=True)
class Split:
    """Positions of a pool, of a test, and of items that tell when to stop training; ascending, and
    none shares a unit with another."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    val: NDArray[np.intp] = field(default_factory=_nothing)

    def digest(self) -> str:
        """Identity of the split."""
        lines = ["train", *map(str, self.train), "test", *map(str, self.test)]
        return sha256_lines(lines + (["val", *map(str, self.val)] if len(self.val) else []))[:16]


class Learner(Protocol):
    """What makes the model of a curve, when it is not a classifier of embeddings that stay.

    It travels to the processes that play, so it must be possible to pickle it.
    """

    def engine(
        self, task: "Task", split: Split, *, seed: int, watch: Callable[[Any, Any], None]
    ) -> Engine:
        """A fresh model that learns from scratch each time and answers for all items of `task`.

        Args:
            task: the items.
            split: its validation items may decide when training stops.
            seed: of weights and training.
            watch: gets a `classification.learning.finetune.Epoch` and the network after every
                epoch.
        """
        ...

    @property
    def epochs(self) -> int:
        """Most epochs of a training."""
        ...

    def stamp(self) -> dict[str, Any]:
        """What results with it rest on, as plain JSON values."""
        ...


@dataclass(frozen=True, kw_only=True)
class Task:
    """Labelled items and what splits must keep together.

    Attributes:
        name: of the dataset.
        embeddings: float32 [N, D]; [N, 0] where a `learner` sees images.
        labels: int64 [N], class ids.
        classes: class names by id.
        units: int64 [N], what is never on both sides of a split: the camera location, or the burst
            where no location is known.
        bursts: int64 [N].
        locations: int64 [N]; None where unknown.
        model: name of what learns, or of the backbone of the embeddings.
        split: the dataset's own pool and test, the same for all seeds; None: folds over the units.
        learner: trains end to end; None: softmax regression on `embeddings`.
        content: hash of the images that a `learner` sees.
        model_in_title: other models are compared on the same embedded items.
    """

    name: str
    embeddings: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    units: NDArray[np.int64]
    bursts: NDArray[np.int64]
    locations: NDArray[np.int64] | None = None
    model: str = "embeddings"
    split: Split | None = None
    learner: Learner | None = None
    content: str = ""
    model_in_title: bool = False

    @property
    def title(self) -> str:
        """Name that tells it from other tasks of a comparison."""
        named = self.model_in_title or self.learner is not None
        return f"{self.name} {self.model}" if named else self.name

    def digest(self) -> str:
        """Identity of embeddings, labels and groups; results of another digest do not compare."""
        parts = [self.embeddings, self.labels, self.units, self.bursts]
        lines = [self.name, *(np.ascontiguousarray(a).data.hex() for a in parts if a.size)]
        return sha256_lines(lines + ([self.content] if self.content else []))[:16]


def split_task(task: Task, seed: int) -> Split:
    """The task's own split; or whole units to pool or test, classes in proportion as far as the
    units allow.

    Successive seeds walk through the folds of one deal and then deal anew, so that the tests of
    seeds 0 to 3 together hold every item once. Test items of classes that the pool lacks are left
    out: no strategy could find them.

    Raises:
        FieldmarkError: fewer units than folds.
    """
    if task.split is not None:
        return task.split
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
