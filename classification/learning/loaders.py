"""In which order an epoch takes the labelled crops, and in batches of how many."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.config_learning import FinetuneConfig


def epoch_order(
    labels: NDArray[np.int64], config: FinetuneConfig, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Positions of one epoch, batch after batch, as `config.loader` says.

    A last batch of one is left out: batch normalisation cannot train on it.
    """
    order = LOADERS[config.loader](labels, config, rng)
    return order[:-1] if len(order) % batch_size(labels, config) == 1 else order


def batch_size(labels: NDArray[np.int64], config: FinetuneConfig) -> int:
    """Crops per step, at most."""
    if config.loader != "balanced":
        return min(config.batch_size, len(labels))
    return min(config.classes_per_batch, len(np.unique(labels))) * config.samples_per_class


def steps_per_epoch(labels: NDArray[np.int64], config: FinetuneConfig) -> int:
    """Batches of one `epoch_order`: a schedule that counts more never comes to its end."""
    size = batch_size(labels, config)
    left_out = config.loader != "balanced" and len(labels) % size == 1
    return (len(labels) - left_out + size - 1) // size


def _single(
    labels: NDArray[np.int64], config: FinetuneConfig, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Plain shuffling."""
    del config
    return rng.permutation(len(labels))


def _even(
    labels: NDArray[np.int64], config: FinetuneConfig, rng: np.random.Generator
) -> NDArray[np.intp]:
    """As many draws as labels, each class equally likely, no item twice before all came once."""
    del config
    classes = np.unique(labels)
    share = math.ceil(len(labels) / len(classes))
    drawn = []
    for value in classes:
        rows = np.flatnonzero(labels == value)
        passes = [rng.permutation(rows) for _ in range(math.ceil(share / len(rows)))]
        drawn.append(np.concatenate(passes)[:share])
    return rng.permutation(np.concatenate(drawn))[: len(labels)]


def _balanced(
    labels: NDArray[np.int64], config: FinetuneConfig, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Batches of P classes with K crops each ("PK batches": Hermans et al., 2017).

    Classes take turns, so that all come equally often; so do the crops of a class, and a class with
    fewer than K repeats them within a batch.
    """
    classes = np.unique(labels)
    per_batch = min(config.classes_per_batch, len(classes))
    turns = {int(c): Turns(np.flatnonzero(labels == c), rng) for c in classes}
    class_turns = Turns(classes, rng)
    drawn = [
        turns[int(value)].take(config.samples_per_class)
        for _ in range(steps_per_epoch(labels, config))
        for value in class_turns.take(per_batch, distinct=True)
    ]
    return np.concatenate(drawn)


class Turns:
    """Deals values in random order; all come once before one comes again."""

    def __init__(self, values: NDArray[np.int64], rng: np.random.Generator) -> None:
        self._values, self._rng = values, rng
        self._left = values[:0]

    def state(self) -> list[Any]:
        """What the next values depend on, in plain values."""
        return [json.dumps(self._rng.bit_generator.state), self._left.tolist()]

    def restore(self, state: list[Any]) -> None:
        """Be where another one was at `state`."""
        draws, left = state
        self._rng.bit_generator.state = json.loads(draws)
        self._left = np.array(left, dtype=self._values.dtype)

    def take(self, n: int, *, distinct: bool = False) -> NDArray[np.int64]:
        """The next `n`; with `distinct` no value twice among them."""
        taken = self._left[:n]
        self._left = self._left[n:]
        while len(taken) < n:
            fresh = self._rng.permutation(self._values)
            if distinct:  # those already taken wait at the end of the new deal
                again = np.isin(fresh, taken)
                fresh = np.concatenate([fresh[~again], fresh[again]])
            missing = n - len(taken)
            taken = np.concatenate([taken, fresh[:missing]])
            self._left = fresh[missing:]
        return taken


LOADERS: dict[
    str,
    Callable[[NDArray[np.int64], FinetuneConfig, np.random.Generator], NDArray[np.intp]],
] = {"even": _even, "single": _single, "balanced": _balanced}
