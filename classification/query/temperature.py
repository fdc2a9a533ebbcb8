"""A temperature that makes a model's certainty honest, fitted on labels it has not seen."""

import numpy as np
from numpy.typing import NDArray

from classification.linear import fit_linear, softmax
from classification.query.distances import Floats
from classification.query.pool import Pool

_FEWEST = 10  # labels: below, two or fewer would be held out
_MOST = 2_000  # labels used: 400 held out, and under a second to fit at 512 x 10
_CANDIDATES = np.arange(10, 201) / 10  # 1 to 20
_BINS = 15  # of the certainty, as usual for the calibration error


def at_temperature(probs: Floats, temperature: float) -> Floats:
    """softmax(log p / T): float32 [N, C] to float32 [N, C]."""
    if temperature == 1:
        return probs
    logits = np.maximum(probs, np.float32(1e-30))
    np.log(logits, out=logits)
    logits /= np.float32(temperature)
    return softmax(logits)


def fitted_temperature(pool: Pool, rng: np.random.Generator) -> float:
    """The temperature, 1 to 20, with the least calibration error on a fifth of the labels.

    Guo et al. 2017, On Calibration of Modern Neural Networks, with the search of Bae et al. 2025: a
    linear head is fitted to the other labels, and its temperature serves for the pool's. 1 with
    fewer than ten labels or one class; of more than 2,000 labels so many are drawn.
    """
    taught = rng.permutation(pool.taught)[:_MOST]
    held, rest = taught[: len(taught) // 5], taught[len(taught) // 5 :]
    labels = pool.labels[rest]
    if len(taught) < _FEWEST or (labels == labels[0]).all():
        return 1.0
    head = fit_linear(pool.embeddings[rest], labels)
    probs = head.predict(pool.embeddings[held], int(pool.labels.max()) + 1)
    errors = [calibration_error(at_temperature(probs, t), pool.labels[held]) for t in _CANDIDATES]
    return float(_CANDIDATES[int(np.argmin(errors))])


def calibration_error(probs: Floats, labels: NDArray[np.int64]) -> float:
    """Mean distance of certainty and accuracy over 15 bins of the certainty (Naeini et al. 2015).

    probs: float32 [N, C]; labels: int64 [N], columns of `probs`.
    """
    sure = probs.max(axis=1)
    gap = sure - (probs.argmax(axis=1) == labels)
    bins = np.minimum((sure * _BINS).astype(np.intp), _BINS - 1)
    return float(np.abs(np.bincount(bins, weights=gap)).sum() / len(labels))
