"""ALFA-Mix: items whose predicted class changes when a little of another class is mixed in.

Parvaneh et al. 2022, "Active Learning by Feature Mixing", in its closed form. For an item z and the
mean embedding z* of a class, the mixture a z* + (1 - a) z with a = e |z* - z| g / (|g| (z* - z)),
element by element, moves z along the gradient g of its loss by e |z* - z|; an element that both
share does not move. Anchors are those of the classes with labels, whatever their ids.
"""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.centres import central
from classification.query.distances import inverse_lengths, row_blocks, squared_lengths
from classification.query.heads import head_of
from classification.query.needs import need_embeddings, need_probs
from classification.query.pool import Head, Pool


def alfa_mix(
    pool: Pool, n: int, rng: np.random.Generator, *, step: float = 0.2
) -> NDArray[np.intp]:
    """The items nearest to the `n` k-means centres (at most 1,000, see `centres.central`) of those
    whose prediction changes.

    The reach e is `step` / sqrt(D), and grows by as much, up to 1 / sqrt(D), until more than `n`
    items change; where they stay fewer, the rest is drawn at random. Without labels there is no
    anchor, and the centres are those of all unlabelled items.

    Cost: for every reach, one gradient and a prediction per class with labels of the items that
    have not changed yet; a k-means. Memory: blocks, and what the k-means takes.

    Args:
        pool, n, rng: as of every strategy.
        step: the paper's epsilon, and what it grows by; 0.01 to 1.
    """
    if not 0.01 <= step <= 1:  # below, hundreds of passes over the pool
        raise FieldmarkError(f"step is {step}; give 0.01 to 1")
    x, columns = need_embeddings(pool), need_probs(pool).shape[1]
    free, anchors = pool.unlabelled, class_means(pool)
    changed = np.full(len(free), not len(anchors))
    head = head_of(pool) if len(anchors) else None
    reaches = np.minimum(step * np.arange(1, ceil(1 / step) + 1), 1) / np.sqrt(x.shape[1])
    for reach in reaches.tolist():
        if head is None or changed.sum() > n:
            break
        left = np.flatnonzero(~changed)
        changed[left] = _changes(head, x, free[left], anchors, reach, columns)
    found, rest = free[changed], free[~changed]
    if len(found) <= n:
        return np.concatenate([rng.permutation(found), rng.permutation(rest)])[:n]
    return central(x, found, n, rng)


def class_means(pool: Pool) -> NDArray[np.float32]:
    """The mean embedding of each class with labels, by ascending id: float32 [K, D]."""
    taught = pool.taught
    labels = pool.labels[taught]
    means = [pool.embeddings[taught[labels == c]].mean(axis=0) for c in np.unique(labels)]
    return np.array(means, dtype=np.float32).reshape(len(means), pool.embeddings.shape[1])


def _changes(
    head: Head,
    x: NDArray[np.float32],
    rows: NDArray[np.intp],
    anchors: NDArray[np.float32],
    reach: float,
    columns: int,
) -> NDArray[np.bool_]:
    """Which of these rows change their class in a mixture with some anchor: bool [len(rows)]."""
    out = np.ones(len(rows), dtype=bool)
    for block in row_blocks(len(rows)):
        left, z = np.arange(len(rows))[block], x[rows[block]]
        said, towards = head.predict(z, columns).argmax(axis=1), head.gradient(z, columns)
        towards *= inverse_lengths(towards)[:, None]  # a certain item does not move
        for anchor in anchors:
            away = anchor - z
            step = np.sqrt(squared_lengths(away), dtype=np.float32) * np.float32(reach)
            move = towards * step[:, None]
            if not away.all():
                move[away == 0] = 0
            move += z
            same = head.predict(move, columns).argmax(axis=1) == said
            if not same.all():
                left, z, said, towards = left[same], z[same], said[same], towards[same]
        out[left] = False
    return out
