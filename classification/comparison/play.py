"""One strategy on one split: the rounds of the main job, without its files, people and images.

Fitting, predicting and choosing are those of a run (`classification.engines`,
`classification.query`).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.comparison.scoring import score, successor_f1
from classification.comparison.task import Split, Task
from classification.comparison.watching import Watcher
from classification.engines import ArrayEngine
from classification.environment import Engine
from classification.query import Pool, Strategy, select
from classification.query.names import ALIASES, NEEDS_MODEL
from classification.selection import Seen

_SUCCESSOR, _SUCCESSOR_SECONDS = "successor_macro_f1", "successor_seconds"  # of the last round
LIMITS = ("per_group", "per_location", "duplicates", "passive")  # of `select`, for any strategy


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
    start_per_class: int = 0
    """Random labels of each class in the first round, instead of `start`; 0: `start`."""


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A strategy as it enters a comparison: its name there, and how it is run."""

    name: str
    strategy: str | Strategy
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of `classification.query.select`: those of the strategy, and limits such as per_group."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """A curve as far as it was played.

    Attributes:
        rows: one record per round: round, num_labels, macro_f1, accuracy, balanced_accuracy,
            training_seconds and seconds, the CPU time of the training and of the query that led to
            it; the last one of a whole curve also has successor_macro_f1, of another kind of
            classifier on the same labels, and successor_seconds.
        queries: positions in the task, in the order they were labelled.
        recall: of each class after each round; None where the test lacks it.
        pending: positions that the last model chose and nothing has learned from yet.
        pending_seconds: CPU time of that choice.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    queries: list[int] = field(default_factory=list)
    recall: list[list[float | None]] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    pending_seconds: float = 0.0


def play(
    task: Task,
    split: Split,
    entrant: Entrant,
    protocol: Protocol,
    *,
    seed: int,
    begun: Played | None = None,
    keep: Callable[[Played], None] = lambda played: None,
    watcher: Watcher | None = None,
    ahead: bool = False,
) -> Played:
    """Play all rounds; every random choice follows from `seed`, the first ones for all alike.

    Args:
        task: the items, and what learns.
        split: pool and test.
        entrant: chooses.
        protocol: how much it chooses, how often.
        seed: of the choices, and of training.
        begun: where to go on; the result is that of a curve that was never stopped.
        keep: called with the curve after every round.
        watcher: told of epochs and rounds.
        ahead: the model of the last round chooses, too, so that going on needs no training twice.
    """
    played = begun or Played()
    if len(played.rows) > protocol.rounds:
        return played
    game = _Game(task, split, entrant, protocol, seed=seed, watcher=watcher or Watcher())
    while True:
        if not played.pending:
            played = game.ask(played)
        if not played.pending:  # the pool is empty
            return played
        played = game.learn(played)
        over = len(played.rows) > protocol.rounds
        played = played if over and not ahead else game.ask(played)
        if over or not played.pending:
            played = game.finish(played)
            keep(played)
            return played
        keep(played)


class _Game:
    """One curve: the model of the moment, and what never changes."""

    def __init__(
        self,
        task: Task,
        split: Split,
        entrant: Entrant,
        protocol: Protocol,
        *,
        seed: int,
        watcher: Watcher,
    ) -> None:
        self._task, self._split, self._entrant, self._protocol = task, split, entrant, protocol
        self._seed, self._watcher = seed, watcher
        self._engine: Engine = (
            ArrayEngine(embeddings=task.embeddings, inverse_penalty=protocol.inverse_penalty)
            if task.learner is None
            else task.learner.engine(task, split, seed=seed, watch=watcher.epoch)
        )
        self._seen: Seen | None = None

    def ask(self, played: Played) -> Played:
        """The next query; none when everything is labelled."""
        number, shared = len(played.rows), not played.rows and not self._protocol.cold
        began = time.process_time()
        rng = np.random.default_rng([self._seed, number])
        if shared and self._protocol.start_per_class:
            picks = self._some_of_each_class(rng)
        else:
            pool = self._pool(played.queries, shared=shared)
            wanted = self._protocol.batch if number else self._protocol.start
            n = min(wanted, len(pool.unlabelled))
            chooser = _OPENING if shared else self._entrant
            picks = self._split.train[choose(chooser, pool, n, rng)] if n else []
        seconds = time.process_time() - began
        return replace(
            played, pending=[int(i) for i in picks], pending_seconds=seconds if len(picks) else 0.0
        )

    def learn(self, played: Played) -> Played:
        """Label the pending query, train, and measure on the test."""
        queries = played.queries + played.pending
        began = time.process_time()
        seen = self._seen = self._learn(queries)
        seconds = time.process_time() - began
        assert seen.probs is not None  # there are labels
        test = self._split.test
        scores, recall = score(self._task.labels[test], seen.probs[test], len(self._task.classes))
        row = {
            "round": len(played.rows),
            "num_labels": len(queries),
            "seconds": played.pending_seconds,
            "training_seconds": seconds,
            **scores,
        }
        self._watcher.round(
            row,
            queried=self._task.labels[played.pending],
            truth=self._task.labels[test],
            probs=seen.probs[test],
            classes=self._task.classes,
        )
        passing = (_SUCCESSOR, _SUCCESSOR_SECONDS)
        before = [{k: v for k, v in r.items() if k not in passing} for r in played.rows]
        return Played(rows=[*before, row], queries=queries, recall=[*played.recall, recall])

    def finish(self, played: Played) -> Played:
        """What a classifier of another kind makes of the labels."""
        seen = self._seen or self._learn(played.queries)
        began = time.process_time()
        f1 = successor_f1(
            seen.embeddings,
            self._task.labels,
            train=np.array(played.queries),
            test=self._split.test,
            n_classes=len(self._task.classes),
        )
        found = {_SUCCESSOR: f1, _SUCCESSOR_SECONDS: time.process_time() - began}
        return replace(played, rows=[*played.rows[:-1], played.rows[-1] | found])

    def _learn(self, queries: list[int]) -> Seen:
        rows = np.sort(np.array(queries, dtype=np.intp))
        return self._engine.learn(rows, self._task.labels[rows], len(self._task.classes))

    def _pool(self, queries: list[int], *, shared: bool) -> Pool:
        """The train items as a strategy sees them; for the shared opening without embeddings."""
        task, train = self._task, self._split.train
        if shared:
            seen = Seen(embeddings=np.zeros((len(task.labels), 0), dtype=np.float32))
        else:
            seen = self._seen or self._learn(queries)
        labelled = np.isin(train, queries)
        return Pool(
            embeddings=np.asarray(seen.embeddings[train], dtype=np.float32),
            probs=None if seen.probs is None else seen.probs[train],
            labelled=labelled,
            labels=np.where(labelled, task.labels[train], -1),
            groups=task.bursts[train],
            locations=None if task.locations is None else task.locations[train],
            head=seen.head,
        )

    def _some_of_each_class(self, rng: np.random.Generator) -> NDArray[np.intp]:
        """`start_per_class` random items of every class of the pool, or all there are."""
        train = self._split.train
        labels = self._task.labels[train]
        drawn = [
            rng.permutation(np.flatnonzero(labels == label))[: self._protocol.start_per_class]
            for label in np.unique(labels)
        ]
        return train[np.sort(np.concatenate(drawn))]


def choose(entrant: Entrant, pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The entrant's picks; random ones where it needs a model and there is none yet."""
    name = entrant.strategy
    cold = pool.probs is None and isinstance(name, str) and ALIASES.get(name, name) in NEEDS_MODEL
    options = {k: v for k, v in entrant.options.items() if not cold or k in LIMITS}
    return select("random" if cold else name, pool, n, rng, **options)


_OPENING = Entrant(name="opening", strategy="random")
