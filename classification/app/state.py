"""What every browser and every tab of the app shares: items, labels, model, and who is told.

A decision is in the label store before any array here changes. Arrays are replaced or changed in
place under `lock`; callbacks run in the thread that made the change, so a session that draws must
hand over to its own document (``document.add_next_tick_callback``).
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from classification.app.items import Items
from classification.app.marks import UNKNOWN, Marks
from classification.errors import FieldmarkError
from classification.labelling.decisions import Decision
from classification.labelling.flags import flag_items, flagged_items
from classification.labelling.leases import Desk, Overlap
from classification.labelling.store import LabelStore
from classification.query.pool import Head

Change = Literal["labels", "predictions", "classes", "proposal", "round"]
MOST_CLASSES, LONGEST_NAME = 1_000, 100


class AppState:
    """One dataset being labelled.

    Attributes:
        items: what is shown; row i is the same item everywhere.
        classes: names; the position is the column of `marks.values` and `probs`.
        marks: labels as arrays, `marks.values` int8 [N, C] of 1, 0 and -1.
        validation: bool [N], items that a model must not learn from: the splits val and test, and
            what a person flagged.
        embeddings: float32 or float16 [N, D], memory-mapped, or None.
        feature_maps: [N, H, W, C], memory-mapped, which networks may learn from instead, or None.
        probs: float32 [N, C], scores 0..1 of the newest model, or None; rows of a softmax sum to
            one, those of sigmoids need not.
        head: what made `probs` of `embeddings`; None where that is not one head.
        query: numbers of the items that the newest round asked for, best first.
        round: its number; -1 before the first.
        several: an item may show several classes; otherwise exactly one.
        proposal: name and numbers of items that another tab wants looked at, in that order.
        lock: held while arrays change.
        bench: what trains and propagates in the background; see `workbench.workbench`.
    """

    def __init__(
        self,
        *,
        items: Items,
        classes: Sequence[str],
        store: LabelStore | Path | str,
        known: NDArray[np.int8] | None = None,
        excluded: NDArray[np.bool_] | None = None,
        validation: NDArray[np.bool_] | None = None,
        embeddings: NDArray[np.floating] | None = None,
        feature_maps: NDArray[np.floating] | None = None,
        probs: NDArray[np.float32] | None = None,
        head: Head | None = None,
        query: Sequence[int] = (),
        round: int = -1,
        annotator: str = "",
        overlap: Overlap | None = None,
        several: bool = False,
        may_add_classes: bool = True,
    ) -> None:
        """`known` int8 [N, C], `excluded` and `validation` bool [N]: from before any decision.

        The rest is as the attributes.

        Raises:
            FieldmarkError: arrays of another length, or the store cannot be opened.
        """
        self.items, self.classes = items, list(classes)
        self.store = store if isinstance(store, LabelStore) else LabelStore(store, keep_open=True)
        self.query, self.round = np.array(query, dtype=np.intp), round
        self.annotator, self.several = annotator, several
        self.may_add_classes = may_add_classes
        self.overlap = overlap or Overlap()
        self.desk = Desk(store=self.store, overlap=self.overlap)
        self.lock = threading.RLock()
        self.embeddings, self.probs, self.head = embeddings, probs, head
        self.feature_maps = feature_maps
        self.bench: Any = None
        self.proposal: tuple[str, NDArray[np.intp]] = ("", np.zeros(0, dtype=np.intp))
        self._watchers: list[Callable[[Change], Any]] = []
        self._mark = 0
        blank = np.full((len(items), len(self.classes)), UNKNOWN, dtype=np.int8)
        self._require_rows(
            embeddings=embeddings, feature_maps=feature_maps, probs=probs, known=known
        )
        self.marks = Marks(items.names, self.classes, blank if known is None else known, excluded)
        self._fixed = np.isin(items.split, ["val", "test"])
        self.validation = self._fixed.copy() if validation is None else self._fixed | validation
        for name, flag in flagged_items(self.store).items():
            if name in self.marks.number:
                self.validation[self.marks.number[name]] = flag
        self.validation |= self._fixed
        self.follow()

    def __len__(self) -> int:
        return len(self.items)

    @property
    def unlabelled(self) -> NDArray[np.bool_]:
        """bool [N]: nothing is known and nobody said they cannot tell or left it out."""
        with self.lock:
            return ~self.marks.decided

    def watch(self, callback: Callable[[Change], Any]) -> Callable[[], None]:
        """Call `callback` with every change, in the thread that made it; returns how to stop."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback) if callback in self._watchers else None

    def decide(self, decisions: Sequence[Decision]) -> None:
        """Add decisions: in the store first, all or none, then in the arrays.

        Raises:
            FieldmarkError: a decision is malformed or the store cannot be written; nothing changed.
        """
        self.store.add(decisions)
        self.follow()

    def follow(self) -> list[int]:
        """Take in what was decided since the last look, here or by others; the items touched."""
        with self.lock:
            new, self._mark = self.store.since(self._mark)
            grown = self._grow(new)
            touched = self.marks.apply(new)
        if grown:
            self._tell("classes")
        if touched:
            self._tell("labels")
        return touched

    def set_predictions(
        self, probs: NDArray[np.float32] | None, *, head: Head | None = None
    ) -> None:
        """Replace the model's scores [N, C] of all items; orders and suggestions follow them."""
        self._require_rows(probs=probs)
        with self.lock:
            if probs is not None and probs.shape[1] < len(self.classes):
                probs = _wider(probs, len(self.classes))
            self.probs, self.head = probs, head
        self._tell("predictions")

    def set_validation(self, numbers: Sequence[int], flag: bool, *, annotator: str) -> None:
        """Keep items for validation, or give them back to training; recorded in the store.

        Raises:
            FieldmarkError: an item of the splits val and test would be given to training.
        """
        if not flag and self._fixed[list(numbers)].any():
            raise FieldmarkError("images of the splits val and test are never learned from")
        names = [self.items.names[i] for i in numbers]
        flag_items(self.store, names, validation=flag, annotator=annotator)
        with self.lock:
            self.validation[list(numbers)] = flag
        self._tell("labels")

    def add_class(self, name: str) -> int:
        """The id of a class, which is appended when it is new.

        Raises:
            FieldmarkError: not a name, or this run takes no new classes.
        """
        name = " ".join(name.split())
        if name in self.classes:
            return self.classes.index(name)
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise FieldmarkError(f"{name[:20]!r} is no class name: give 1 to {LONGEST_NAME} signs")
        if not self.may_add_classes:
            raise FieldmarkError(
                f"{name!r} is no class of this run; start with --labels.new_classes accept to add "
                "classes"
            )
        if len(self.classes) >= MOST_CLASSES:
            raise FieldmarkError(f"there are {MOST_CLASSES} classes already")
        with self.lock:
            self._append_class(name)
        self._tell("classes")
        return len(self.classes) - 1

    def take_class(self, name: str) -> None:
        """Append a class that the run has, whatever people may add."""
        if name not in self.marks.column:
            with self.lock:
                self._append_class(name)
            self._tell("classes")

    def start_round(
        self,
        number: int,
        *,
        query: Sequence[int],
        probs: NDArray[np.float32] | None,
        head: Head | None,
        embeddings: NDArray[np.floating] | None,
    ) -> None:
        """Go on with a later round: what it asked for, and its model, as the attributes."""
        self._require_rows(probs=probs, embeddings=embeddings)
        with self.lock:
            self.round, self.query = number, np.array(query, dtype=np.intp)
            self.embeddings = embeddings
        self.set_predictions(probs, head=head)
        self._tell("round")

    def propose(self, name: str, numbers: Sequence[int] | NDArray[np.intp]) -> None:
        """Have the Label tab show these items, in this order, under this name."""
        self.proposal = (name, np.asarray(numbers, dtype=np.intp))
        self._tell("proposal")

    def _grow(self, decisions: Sequence[Decision]) -> bool:
        """Add the classes that others' decisions brought; whether there were any."""
        before = len(self.classes)
        for decision in decisions:
            for name in (decision.label, *decision.present, *decision.absent):
                if name and name not in self.marks.column:
                    self._append_class(name)
        return len(self.classes) > before

    def _append_class(self, name: str) -> None:
        self.classes.append(name)
        self.marks.add_class(name)
        if self.probs is not None:
            self.probs = _wider(self.probs, len(self.classes))

    def _tell(self, change: Change) -> None:
        for callback in list(self._watchers):
            callback(change)

    def _require_rows(self, **arrays: NDArray | None) -> None:
        wrong = [
            f"{name} has {len(array)} rows, there are {len(self.items)} items"
            for name, array in arrays.items()
            if array is not None and len(array) != len(self.items)
        ]
        if wrong:
            raise FieldmarkError.from_problems("the app cannot use these arrays:", wrong)


def _wider(probs: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """With a score of 0 for classes that the model has never seen."""
    missing = np.zeros((len(probs), columns - probs.shape[1]), dtype=np.float32)
    return np.concatenate([probs, missing], axis=1)
