"""How well scores tell the items that show a class from those that do not."""

import numpy as np
from numpy.typing import NDArray


def auc(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> float | None:
    """Chance that a positive item scores above a negative one, ties counting half.

    The area under the ROC curve, by ranks (Hanley & McNeil 1982, Radiology 143).

    Args:
        scores: [n], finite.
        positive: bool [n].

    Returns:
        0 to 1; None where positives or negatives are missing.
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2  # equal scores share the mean of their ranks
    above = rank[place][positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))
