"""Whether a confidence of 0.8 is right four times out of five."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Smallest step of float32 near 1: a model that gives a true class probability 0, as it must for a
# class it has no label of yet, pays 15.9 nats for it and not infinity.
_EPS = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Confidence against accuracy in equal-width bins (Guo et al., 2017, arXiv:1706.04599).

    `counts`: int [B]. `confidence`, `accuracy`: mean of each bin, float [B], NaN where empty.
    `ece`: expected calibration error, the mean of their distance weighted by count, in [0, 1].
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    ece: float


def reliability(confidence: NDArray[Any], correct: NDArray[Any], *, bins: int = 15) -> Reliability:
    """Bin predictions by confidence; bins are ``(low, high]`` of equal width over [0, 1].

    Args:
        confidence: float [N], probability of the predicted class.
        correct: bool [N].
        bins: number of bins B.
    """
    position = np.clip(np.ceil(np.asarray(confidence) * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(position, minlength=bins)
    filled = np.where(counts > 0, counts, np.nan)
    mean_confidence = np.bincount(position, weights=confidence, minlength=bins) / filled
    mean_accuracy = np.bincount(position, weights=correct, minlength=bins) / filled
    gap = np.nan_to_num(np.abs(mean_confidence - mean_accuracy))
    ece = float(gap @ counts / max(1, counts.sum()))
    return Reliability(counts=counts, confidence=mean_confidence, accuracy=mean_accuracy, ece=ece)


def log_loss(truth: NDArray[Any], probs: NDArray[Any]) -> float:
    """Mean of ``-log p(true class)`` in nats; p is held above float32's epsilon (1.2e-7).

    Args:
        truth: int [N].
        probs: float [N, C], rows summing to 1.
    """
    return float(-np.log(np.maximum(probs[np.arange(len(truth)), truth], _EPS)).mean())


def untempered(probs: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    """What the probabilities were before logits were divided by `temperature`.

    softmax(z) is softmax(z / T) to the power of T, made to sum to 1.

    Args:
        probs: float [N, C], rows summing to 1; a class the model does not know has 0 and keeps it.
        temperature: T.
    """
    raised = np.asarray(probs, dtype=np.float64) ** temperature
    return raised / raised.sum(axis=1, keepdims=True)


def acceptance_threshold(
    confidence: NDArray[Any], correct: NDArray[Any], *, precision: float, least: int = 20
) -> float | None:
    """The lowest confidence from which on predictions are right at least `precision` of the time.

    Choose it on one split and report what it does on another: on its own split it is optimistic.

    Args:
        confidence: float [N].
        correct: bool [N].
        precision: share that must be right among all with that confidence or more.
        least: predictions the threshold must rest on; fewer prove nothing.

    Returns:
        The threshold, or None where no threshold reaches `precision`.
    """
    order = np.argsort(-np.asarray(confidence), kind="stable")
    ranked = np.asarray(confidence)[order]
    right = np.cumsum(np.asarray(correct)[order])
    taken = np.arange(1, len(ranked) + 1)
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)]
    reached = np.flatnonzero(last_of_tie & (taken >= least) & (right >= precision * taken))
    return float(ranked[reached[-1]]) if len(reached) else None
