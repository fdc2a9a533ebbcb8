"""Uncertainty scores of class probabilities: higher means more worth a label.

The single-model scores follow Settles, Active Learning Literature Survey (2009), section 3.1. Rows
are processed in blocks, so that a score needs a few tens of megabytes beside its input.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_BLOCK = 16_384  # rows at a time: stays in the cache at 62 classes, 64 MB at 1,000

Probs = NDArray[np.float32]


def least_confident(probs: Probs) -> NDArray[np.float32]:
    """One minus the largest probability. probs: float32 [N, C]; returns float32 [N]."""
    return 1 - probs.max(axis=1)


def margin(probs: Probs) -> NDArray[np.float32]:
    """Minus the distance between the two largest probabilities; 0 is a tie.

    probs: float32 [N, C]; returns float32 [N]. With one class there is no second one: all -1.
    """
    if probs.shape[1] < 2:
        return np.full(len(probs), -1, dtype=np.float32)

    def block(rows: Probs) -> NDArray[np.float32]:
        top = np.partition(rows, -2, axis=1)
        return top[:, -2] - top[:, -1]

    return by_block(block, probs)


def entropy(probs: Probs) -> NDArray[np.float32]:
    """Shannon entropy in nats; 0 log 0 is 0. probs: float32 [N, C]; returns float32 [N]."""
    return by_block(_entropy, probs)


def bald(committee: Probs) -> NDArray[np.float32]:
    """Mutual information of label and model: entropy of the mean less the mean entropy, in nats.

    committee: float32 [M, N, C], class probabilities of M models or dropout passes; returns
    float32 [N]. Houlsby et al. 2011; Gal et al. 2017 for dropout.
    """
    mean = by_block(_consensus_entropy, committee, axis=1)
    each = sum(entropy(member) for member in committee) / len(committee)
    return (mean - each).astype(np.float32)


def vote_entropy(committee: Probs) -> NDArray[np.float32]:
    """Entropy of the members' votes, in nats. committee: float32 [M, N, C]; returns float32 [N].

    Engelson and Dagan 1996.
    """

    def block(members: Probs) -> NDArray[np.float32]:
        votes = np.zeros(members.shape[1:], dtype=np.float32)
        for member in members:
            votes[np.arange(len(votes)), member.argmax(axis=1)] += 1 / len(members)
        return _entropy(votes)

    return by_block(block, committee, axis=1)


def of_class(target: int, *, wanted: str) -> Callable[[Probs], NDArray[np.float32]]:
    """A score of one class's probability p.

    Args:
        target: the class id.
        wanted: ``entropy`` (of p against 1 - p: the borderline items), ``high`` or ``low``.
    """

    def score(probs: Probs) -> NDArray[np.float32]:
        p = probs[:, target]
        if wanted == "entropy":
            return _entropy(np.stack([p, 1 - p], axis=1))
        return p if wanted == "high" else 1 - p

    return score


def by_block(
    score: Callable[[Probs], NDArray[np.float32]], probs: Probs, *, axis: int = 0
) -> NDArray[np.float32]:
    """``score(probs)`` over blocks of items, which lie along `axis`."""
    out = np.empty(probs.shape[axis], dtype=np.float32)
    for start in range(0, len(out), _BLOCK):
        rows = (slice(None),) * axis + (slice(start, start + _BLOCK),)
        out[start : start + _BLOCK] = score(probs[rows])
    return out


def _entropy(probs: Probs) -> NDArray[np.float32]:
    logs = np.maximum(probs, np.float32(1e-30))
    np.log(logs, out=logs)
    return -np.einsum("nc,nc->n", probs, logs)


def _consensus_entropy(committee: Probs) -> NDArray[np.float32]:
    return _entropy(committee.mean(axis=0))
