"""Rounds with a model of your own: any network or classifier, strategy and annotator.

`run_rounds` plays rounds whose every part is written to files and can be resumed anywhere; here the
parts are yours and only the labels are kept. Pool, strategies, label store and scores are the same.
See docs/own_model.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classification.data.dataset import Dataset
from classification.errors import FieldmarkError, wrong_value
from classification.evaluate import Evaluation, evaluate
from classification.labelling.decisions import answers
from classification.labelling.store import LabelStore
from classification.labelling.training_set import class_ids, training_table, with_new_classes
from classification.query import Pool, Strategy, select
from classification.query.names import ALIASES, NEEDS_MODEL
from classification.selection import Seen, make_pool

Annotator = Callable[[Sequence[str]], Mapping[str, str]]
"""From items to the label of each; an item it leaves out is not asked again in this run."""

_EVER = 2**31  # a round that never comes


class Engine(Protocol):
    """A model: whatever learns from labelled rows and then speaks about all rows."""

    def learn(self, rows: NDArray[np.intp], labels: NDArray[np.int64], n_classes: int) -> Seen:
        """Learn anew, or go on learning.

        Args:
            rows: positions of the labelled items in the dataset [n]; none before the first labels.
            labels: class ids [n].
            n_classes: C; it grows when people name new classes.

        Returns:
            Embeddings [N, D] of all items and, once there are labels, probabilities [N, C].
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What is known now: `classes`, and int64 [N] with the class id of each labelled pool item."""

    classes: tuple[str, ...]
    ids: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Pool, labels and splits of one run."""

    dataset: Dataset
    store: LabelStore
    """Decisions; a run that is started again goes on from them."""
    simulate: bool = False
    """The labels of the dataset are hidden from the start, and `oracle` reveals them."""

    def labels(self) -> Labels:
        """Labels of the dataset's train split and all answers; new names are new classes."""
        items, rows = self.dataset.paths, self.dataset.rows("train")
        pool = {items[i]: int(i) for i in rows}
        known = {} if self.simulate else self._truth()
        decisions = {k: d for k, d in self.store.current().items() if k in pool}
        table = training_table(known, decisions, before_round=_EVER)
        classes = with_new_classes(self.dataset.classes, table)
        ids = np.full(len(self.dataset), -1, dtype=np.int64)
        ids[[pool[item] for item in table["path"]]] = class_ids(table, classes)
        return Labels(classes=classes, ids=ids)

    def pool(self, seen: Seen) -> Pool:
        """The train items as a strategy sees them."""
        return make_pool(
            self.dataset,
            self.dataset.rows("train"),
            labels=self.labels().ids,
            decided=self.store.current().keys(),
            seen=seen,
        )

    def ask(
        self, strategy: str | Strategy, n: int, rng: np.random.Generator, seen: Seen, **options: Any
    ) -> list[str]:
        """At most `n` items to label next, best first.

        Args:
            strategy: a name, a function, or a `BaseSampler`. A named one that needs a model
                chooses at random before there is one.
            n: how many.
            rng: source of every random choice.
            seen: what the engine makes of all items.
            options: of `classification.query.select`.
        """
        cold = isinstance(strategy, str) and ALIASES.get(strategy, strategy) in NEEDS_MODEL
        chosen = "random" if cold and seen.probs is None else strategy
        picks = select(chosen, self.pool(seen), n, rng, **options)
        items, rows = self.dataset.paths, self.dataset.rows("train")
        return [items[rows[i]] for i in picks]

    def tell(self, asked: Sequence[str], given: Mapping[str, str], *, number: int) -> None:
        """Store the answers to a query; what has none is marked as unsure.

        Raises:
            FieldmarkError: answers to what was not asked, or no mapping.
        """
        if problem := wrong_value("the answer of the annotator", given, Mapping):
            raise FieldmarkError(f"{problem}: a label by item, {{}} where it has none")
        if strange := sorted(given.keys() - set(asked)):
            raise FieldmarkError(
                f"the annotator answered {len(strange)} items that were not asked, such as "
                f"{strange[0]!r}; the items are named as in the query, such as {asked[0]!r}"
            )
        self.store.add(answers(asked, given, annotator="annotator", source="app", number=number))

    def oracle(self, items: Sequence[str]) -> dict[str, str]:
        """The annotator of a simulation: the labels that the dataset holds."""
        truth = self._truth()
        return {item: truth[item] for item in items if item in truth}

    def score(self, probs: NDArray[np.floating], *, split: str, seed: int) -> Evaluation | None:
        """Scores on the labelled items of a split; None without any."""
        rows = self.dataset.rows(split, labelled=True)
        if not len(rows):
            return None
        return evaluate(
            self.dataset.labels[rows],
            probs[rows],
            classes=self.labels().classes,
            groups=self.dataset.groups[rows],
            rng=np.random.default_rng(seed),
        )

    def _truth(self) -> dict[str, str]:
        items, data = self.dataset.paths, self.dataset
        return {items[i]: data.classes[data.labels[i]] for i in data.rows("train", labelled=True)}


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One round as it was played."""

    number: int
    num_labels: int
    seen: Seen
    scores: Evaluation | None
    """On the test split; None without model or test items."""


def play(
    environment: Environment,
    engine: Engine,
    *,
    strategy: str | Strategy,
    annotator: Annotator,
    batch: int,
    rounds: int,
    seed: int = 0,
    **options: Any,
) -> Iterator[Turn]:
    """Learn, score, ask, label, as often as asked for or until the pool is empty.

    Started again on the same store it goes on with the labels that are there.

    Args:
        environment: pool, labels and splits.
        engine: learns.
        strategy: chooses.
        annotator: labels.
        batch: queries per round.
        rounds: after the first.
        seed: fixes the choices of the strategy.
        options: of `classification.query.select`, such as per_group=1.

    Raises:
        FieldmarkError: numbers that make no sense, or what strategy and annotator get wrong.
    """
    for name, value, least in (("batch", batch, 1), ("rounds", rounds, 0)):
        if problem := wrong_value(name, value, int, least=least):
            raise FieldmarkError(problem)
    answered = [d.round for d in environment.store.current().values()]
    for number in range(max(answered, default=-1) + 1, rounds + 1):
        known = environment.labels()
        rows = np.flatnonzero(known.ids >= 0).astype(np.intp)
        seen = engine.learn(rows, known.ids[rows], len(known.classes))
        scores = None
        if seen.probs is not None:
            scores = environment.score(seen.probs, split="test", seed=seed)
        yield Turn(number=number, num_labels=len(rows), seen=seen, scores=scores)
        if number == rounds:
            return
        rng = np.random.default_rng([seed, number])
        asked = environment.ask(strategy, batch, rng, seen, **options)
        if not asked:
            return
        environment.tell(asked, annotator(asked), number=number)
