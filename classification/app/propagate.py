"""Propagation in the background, and which of its pseudo-labels people should look at."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classification.app.marks import UNKNOWN
from classification.app.step import load_array, load_inputs, save_array
from classification.errors import FieldmarkError
from classification.files import atomic_open
from classification.labelling.decisions import Decision
from classification.learning.propagation import (
    Propagated,
    PropagationConfig,
    label_graph,
    propagate,
    propagate_targets,
)
from classification.neighbours import NeighbourGraph
from classification.paths.app_jobs import GraphPaths, StepPaths

if TYPE_CHECKING:
    from classification.app.step_process import Line

SOURCE = "propagation"


@dataclass(frozen=True, kw_only=True)
class Guesses(Propagated):
    """What propagation says of every item, compared and sorted for people."""

    @property
    def several(self) -> bool:
        """Whether an item may show several classes."""
        return self.certainty.ndim == 2

    @property
    def top(self) -> NDArray[np.int64]:
        """int64 [N]: the likeliest class."""
        return self.probs.argmax(axis=1).astype(np.int64)

    @property
    def sureness(self) -> NDArray[np.float32]:
        """float32 [N]: certainty of an item; of its least certain class, if there are several."""
        return self.certainty.min(axis=1) if self.several else self.certainty

    def least_sure(self, rows: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Positions of `rows` [N], the least certain first; equals by position."""
        chosen = np.flatnonzero(rows)
        return chosen[np.argsort(self.sureness[chosen], kind="stable")]

    def agrees(self, probs: NDArray[np.float32]) -> NDArray[np.bool_]:
        """bool [N]: the model with scores `probs` [N, C] says the same."""
        probs = probs[:, : self.probs.shape[1]]
        if self.several:
            return ((probs >= 0.5) == (self.probs >= 0.5)).all(axis=1)
        return probs.argmax(axis=1) == self.top

    def takes_for(self, column: int) -> NDArray[np.bool_]:
        """bool [N]: of this class is what propagation says."""
        return self.probs[:, column] >= 0.5 if self.several else self.top == column

    def acceptable(self, rows: NDArray[np.bool_], least: float) -> NDArray[np.intp]:
        """Positions of `rows` [N] with a pseudo-label of at least this certainty; surest first."""
        best = self.certainty.max(axis=1) if self.several else self.certainty
        chosen = np.flatnonzero(rows & (best >= least) & (best > 0))
        return chosen[np.argsort(-best[chosen], kind="stable")]

    def right(
        self, marks: NDArray[np.int8], rows: NDArray[np.bool_], *, least: float = 0.0
    ) -> float | None:
        """Share of what is known in `rows` [N] that propagation says, too; None without any.

        With several classes per item, those of less than a certainty of `least` are left out.
        """
        marks = marks[:, : self.probs.shape[1]]
        if self.several:
            known = rows[:, None] & (marks != UNKNOWN) & (self.certainty >= least)
            same = (self.probs >= 0.5) == (marks == 1)
            return float(same[known].mean()) if known.any() else None
        at = np.flatnonzero(rows & (marks == 1).any(axis=1))
        return float((marks[at, self.top[at]] == 1).mean()) if len(at) else None

    def decision(
        self,
        row: int,
        *,
        item: str,
        classes: Sequence[str],
        least: float,
        annotator: str,
        number: int,
    ) -> Decision:
        """The pseudo-label of an item as the decision of the person who accepts it.

        Args:
            row: position of the item.
            item: its name.
            classes: names of the columns.
            least: with several classes per item, only those of this certainty are decided.
            annotator: who accepts.
            number: of the round.
        """
        label, present, absent = None, (), ()
        if self.several:
            sure = [c for c in range(self.probs.shape[1]) if self.certainty[row, c] >= least]
            present = tuple(classes[c] for c in sure if self.probs[row, c] >= 0.5)
            absent = tuple(classes[c] for c in sure if self.probs[row, c] < 0.5)
        else:
            label = classes[int(self.probs[row].argmax())]
        return Decision(
            item=item,
            verdict="marks" if self.several else "label",
            label=label,
            annotator=annotator,
            source=SOURCE,
            round=number,
            present=present,
            absent=absent,
        )


def crossed(
    guesses: Guesses, probs: NDArray[np.float32], rows: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """How often propagation says one class (row) and the model another (column): int64 [C, C]."""
    n = guesses.probs.shape[1]
    pairs = guesses.top[rows] * n + probs[rows, :n].argmax(axis=1)
    return np.bincount(pairs, minlength=n * n).reshape(n, n).astype(np.int64)


def propagate_labels(paths: StepPaths, order: dict[str, Any], line: "Line") -> dict[str, Any]:
    """Make or read the graph and propagate; called in the step's process.

    Args:
        paths: holds the array targets, float32 [N, C]; probs and certainty are written there.
        order: the inputs, graph (a folder), k, config and several.
        line: to the app.
    """
    graph = _graph(order, GraphPaths(Path(order["graph"])), line)
    targets, config = load_array(paths, "targets"), PropagationConfig(**order["config"])
    line.tell({"stage": "propagating labels"})
    if order["several"]:
        found = propagate_targets(graph, targets, config=config)
    else:
        present = targets == 1
        labels = np.where(present.any(axis=1), present.argmax(axis=1), -1).astype(np.int64)
        found = propagate(graph, labels, targets.shape[1], config=config)
    save_array(paths, "probs", found.probs)
    save_array(paths, "certainty", found.certainty)
    return {"items": len(graph)}


def _graph(order: dict[str, Any], cache: GraphPaths, line: "Line") -> NeighbourGraph:
    from classification.app.training import pooled

    if cache.distance.exists():
        index, distance = np.load(cache.index), np.load(cache.distance)
        return NeighbourGraph(index=index, distance=distance, metric="cosine", recall=1.0)
    embeddings, k = load_inputs(order), order["k"]
    line.tell({"stage": f"finding the {k} nearest neighbours of {len(embeddings):,} items"})
    graph = label_graph(pooled(embeddings, "average") if embeddings.ndim == 4 else embeddings, k)
    for path, array in ((cache.index, graph.index), (cache.distance, graph.distance)):
        with atomic_open(path, "wb") as f:
            np.save(f, array)
    return graph


@dataclass(frozen=True, kw_only=True)
class PropagateOptions:
    """What a person sets before propagating."""

    k: int = 10
    """Neighbours of each item."""
    alpha: float = 0.9
    """Share of an item's value that comes from its neighbours."""
    temperature: float = 0.1
    """Of the weights exp(cosine / temperature); 0.01 was worse on camera traps by 0.03 of macro-F1
    at 60 labels, 0.1 level with the power of the cosine."""
    class_balanced: bool = True
    """Every class starts with the same weight, however many labels it has."""

    def __post_init__(self) -> None:
        if not 1 <= self.k <= 200:
            raise FieldmarkError(f"{self.k} neighbours; allowed: 1 to 200, 10 is usual")
        PropagationConfig(**self.config)

    @property
    def config(self) -> dict[str, Any]:
        """Fields of the `PropagationConfig`."""
        return {key: value for key, value in asdict(self).items() if key != "k"}
