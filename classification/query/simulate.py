"""Batch simulation: what would be picked if the model were trained again within the batch.

After google/active-learning's simulate_batch (2019). A batch is made in small steps: after each the
model's own guesses, drawn from its probabilities, stand in for the labels, and a linear head is
fitted to labels and guesses. Of several such trajectories the items most often picked, or the
trajectory whose model turns out best, make the batch.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.linear import Linear, fit_linear
from classification.query.needs import need_embeddings, need_probs
from classification.query.pool import Pool
from classification.query.ranking import best

_NONE: Mapping[str, Any] = MappingProxyType({})


def simulate_batch(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    base: str = "margin",
    options: Mapping[str, Any] = _NONE,
    simulations: int = 5,
    steps: int = 10,
    choose: str = "frequency",
    sample: int = 20_000,
) -> NDArray[np.intp]:
    """The batch of `base`, chosen in `steps` with guessed labels, `simulations` times over.

    Cost: `simulations` x `steps` times the base, a fit to all labels, and a prediction of
    `sample` items. Memory: embeddings and probabilities of `sample` items.

    Args:
        pool, n, rng: as of every strategy.
        base: the name of any strategy that does not need a committee of the pool's own.
        options: of the base.
        simulations: trajectories.
        steps: parts that a batch is divided into.
        choose: ``frequency``: the items that most trajectories picked; ``best``: the trajectory
            after which the head has the highest mean recall on a fifth of the labels, held out.
        sample: at most this many unlabelled items, drawn at random, take part (at least 4n).
    """
    if choose not in ("frequency", "best"):
        raise FieldmarkError(f"choose is {choose!r}; allowed: frequency, best")
    if min(simulations, steps, sample) < 1:
        raise FieldmarkError(
            f"simulations is {simulations}, steps {steps} and sample {sample}; give 1 or more"
        )
    need_embeddings(pool)
    need_probs(pool)
    drawn = rng.permutation(pool.unlabelled)[: max(sample, 4 * n)]
    rows = np.sort(np.concatenate([np.flatnonzero(pool.labelled), drawn]))
    part, held = replace(pool, committee=None).rows(rows), np.zeros(0, dtype=np.intp)
    truth = part.labels
    if choose == "best":
        held = rng.permutation(part.taught)[: len(part.taught) // 5]
        part = _without(part, held)
    counts, found, top = np.zeros(len(part), dtype=np.float32), rows[:0], -1.0
    for _ in range(simulations):
        picks, head = _trajectory(part, n, rng, base=base, options=options, steps=steps)
        counts[picks] += 1
        score = _mean_recall(head, part.embeddings[held], truth[held])
        if score > top:
            found, top = picks, score
    return rows[best(counts, part.unlabelled, n, rng) if choose == "frequency" else found]


def _without(part: Pool, held: NDArray[np.intp]) -> Pool:
    """The pool with these labels taken away, and a model that never saw them."""
    part = replace(part, labels=part.labels.copy())
    part.labels[held] = -1
    return _refitted(part) if len(part.taught) else part


def _refitted(part: Pool) -> Pool:
    """The pool with a linear head on its labels, and what that says."""
    head = fit_linear(part.embeddings[part.taught], part.labels[part.taught])
    columns = need_probs(part).shape[1]
    return replace(part, head=head, probs=head.predict(part.embeddings, columns))


def _trajectory(
    part: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    base: str,
    options: Mapping[str, Any],
    steps: int,
) -> tuple[NDArray[np.intp], Linear]:
    """`n` picks in their order, and the head fitted to labels and guesses."""
    from classification.query.select import select  # which has this module in its registry

    picks = np.zeros(0, dtype=np.intp)
    while len(picks) < n:
        size = min(ceil(n / steps), n - len(picks))
        new = select(base, part, size, rng, **options)
        part = replace(part, labelled=part.labelled.copy(), labels=part.labels.copy())
        part.labelled[new], part.labels[new] = True, _guesses(need_probs(part)[new], rng)
        part = _refitted(part)
        picks = np.concatenate([picks, new])
    assert isinstance(part.head, Linear)  # n is 1 or more
    return picks, part.head


def _guesses(probs: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.int64]:
    """A class for each row, drawn from its probabilities: int64 [M]."""
    total = probs.cumsum(axis=1, dtype=np.float64)
    drawn = rng.random((len(probs), 1)) * total[:, -1:]
    return (total > drawn).argmax(axis=1)


def _mean_recall(head: Linear, x: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean over the classes of the share that the head finds; 0 without labels."""
    if not len(labels):
        return 0.0
    right = head.classes[head.logits(x).argmax(axis=1)] == labels
    return float(np.mean([right[labels == c].mean() for c in np.unique(labels)]))
