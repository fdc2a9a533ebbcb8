"""One strategy on one split: the rounds of the main job, on embeddings that stay as they are.

Fitting, predicting and choosing are those of a run (`classification.linear`,
`classification.query`); only files, people and images are left out.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.comparison.task import Split, Task
from classification.evaluation.bootstrap import scores_of, tally
from classification.linear import Linear, fit_linear
from classification.query import Pool, Strategy, select
from classification.query.names import NEEDS_MODEL

Predict = Callable[[NDArray[np.float32], int], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What all strategies of a comparison have in common."""

    start: int = 40
    """Labels of the first round."""
    batch: int = 40
    """Labels of each further round."""
    rounds: int = 8
    """Rounds after the first."""
    cold: bool = False
    """Each strategy chooses the first labels itself; otherwise all get the same random ones."""
    inverse_penalty: float = 0.01
    """Inverse strength of the L2 penalty of the head (scikit-learn's C)."""


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A strategy as it enters a comparison: its name there, and how it is run."""

    name: str
    strategy: str | Strategy
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of `classification.query.select`: those of the strategy, and limits such as per_group."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """A whole curve.

    Attributes:
        rows: one record per round: round, num_labels, macro_f1, accuracy, balanced_accuracy, and
            seconds, the CPU time of the query that led to it; the last one also has
            successor_macro_f1, of another kind of classifier on the same labels.
        queries: positions in the task, in the order they were labelled.
        recall: of each class after the last round; None where the test lacks it.
    """

    rows: list[dict[str, float]]
    queries: list[int]
    recall: list[float | None]


def play(task: Task, split: Split, entrant: Entrant, protocol: Protocol, *, seed: int) -> Played:
    """Play all rounds; every random choice follows from `seed`, the first ones for all alike."""
    x, y = task.embeddings[split.train], task.labels[split.train]
    labelled, order = np.zeros(len(y), dtype=bool), []
    rows: list[dict[str, float]] = []
    head, tallies = None, np.zeros((3, len(task.classes)))
    for number in range(protocol.rounds + 1):
        n = min(protocol.batch if number else protocol.start, int((~labelled).sum()))
        if not n:
            break
        pool = _pool(task, split.train, labelled, head)
        shared = number == 0 and not protocol.cold
        began = time.process_time()
        rng = np.random.default_rng([seed, number])
        picks = choose(_OPENING if shared else entrant, pool, n, rng)
        seconds = time.process_time() - began
        labelled[picks] = True
        order += split.train[picks].tolist()
        head = fit_linear(x[labelled], y[labelled], inverse_penalty=protocol.inverse_penalty)
        tallies = _tally(task, split, head.predict)
        rows.append(_row(number, int(labelled.sum()), tallies, seconds))
    successor = _nearest(x[labelled], y[labelled])
    rows[-1]["successor_macro_f1"] = float(scores_of(_tally(task, split, successor))["macro_f1"])
    hits, support = tallies[0], tallies[1]
    recall = [float(h / s) if s else None for h, s in zip(hits, support, strict=True)]
    return Played(rows=rows, queries=order, recall=recall)


def choose(entrant: Entrant, pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The entrant's picks; random ones where it needs a model and there is none yet."""
    cold = pool.probs is None and entrant.strategy in NEEDS_MODEL
    return select("random" if cold else entrant.strategy, pool, n, rng, **_allowed(entrant, cold))


def _allowed(entrant: Entrant, cold: bool) -> dict[str, Any]:
    """Options that random picks understand, where they stand in."""
    limits = {"per_group", "per_location", "duplicates", "passive"}
    return {k: v for k, v in entrant.options.items() if not cold or k in limits}


def _pool(
    task: Task, train: NDArray[np.intp], labelled: NDArray[np.bool_], head: Linear | None
) -> Pool:
    x = task.embeddings[train]
    return Pool(
        embeddings=x,
        probs=None if head is None else head.predict(x, len(task.classes)),
        labelled=labelled.copy(),
        labels=np.where(labelled, task.labels[train], -1),
        groups=task.bursts[train],
        locations=None if task.locations is None else task.locations[train],
        head=head,
    )


def _tally(task: Task, split: Split, predict: Predict) -> NDArray[np.float64]:
    """Hits, support and predictions of each class on the test: float [3, C]."""
    truth, n_classes = task.labels[split.test], len(task.classes)
    said = predict(task.embeddings[split.test], n_classes).argmax(axis=1)
    return tally(truth, said, np.zeros_like(truth), shape=(1, n_classes))[0]


def _row(
    number: int, labels: int, tallies: NDArray[np.float64], seconds: float
) -> dict[str, float]:
    scores = {name: float(value) for name, value in scores_of(tallies).items()}
    return {"round": number, "num_labels": labels, "seconds": seconds, **scores}


def _nearest(x: NDArray[np.float32], y: NDArray[np.int64], k: int = 5) -> Predict:
    """k nearest neighbours by cosine: a successor of another kind than the model that chose.

    Labels that one model asked for can be poor ones for the next (Lowell et al. 2018).
    """
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(min(k, len(x)), weights="distance", metric="cosine").fit(x, y)

    def predict(embeddings: NDArray[np.float32], n_classes: int) -> NDArray[np.float32]:
        out = np.zeros((len(embeddings), n_classes), dtype=np.float32)
        out[:, model.classes_] = model.predict_proba(embeddings)
        return out

    return predict


_OPENING = Entrant(name="opening", strategy="random")
