"""Uncertainty scores of class probabilities: higher means more worth a label.

All follow Settles, Active Learning Literature Survey (2009), section 3.1.
"""

import numpy as np
from numpy.typing import NDArray

_BLOCK = 65_536  # rows at a time: at 1,000 classes about 260 MB of float32


def least_confident(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """One minus the largest probability. probs: float32 [N, C]; returns float32 [N]."""
    return 1 - probs.max(axis=1)


def margin(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Minus the distance between the two largest probabilities; 0 is a tie.

    probs: float32 [N, C]; returns float32 [N]. With one class there is no second one: all -1.
    """
    if probs.shape[1] < 2:
        return np.full(len(probs), -1, dtype=np.float32)
    top = np.partition(probs, -2, axis=1)
    return top[:, -2] - top[:, -1]


def entropy(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shannon entropy in nats; 0 log 0 is 0. probs: float32 [N, C]; returns float32 [N]."""
    out = np.empty(len(probs), dtype=np.float32)
    for start in range(0, len(probs), _BLOCK):
        block = probs[start : start + _BLOCK]
        out[start : start + _BLOCK] = -(block * np.log(np.maximum(block, 1e-30))).sum(axis=1)
    return out
