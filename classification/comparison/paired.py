"""Differences between two strategies on the same seeds: is one of them luck."""

from collections.abc import Sequence
from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNIFICANT = 0.05
_DIGITS = 12  # sums of equal scores in another order differ in the sixteenth

FloatArray = NDArray[np.float64]


def signed_rank(gain: FloatArray) -> float:
    """Two-sided p of the Wilcoxon signed-rank test: exact, with ties, zeros left out.

    1 where the ranks and the mean point in opposite directions, as one outlier can make them: no
    claim in either direction would fit both.

    Args:
        gain: difference by seed [S].
    """
    from scipy.stats import rankdata

    gain = np.round(gain, _DIGITS)
    gain = gain[gain != 0]
    ranks = (2 * rankdata(np.abs(gain))).astype(int)  # tied ones are halves
    if not len(gain) or np.sign(ranks @ np.sign(gain)) * gain.mean() <= 0:
        return 1.0
    worse = min(ranks[gain > 0].sum(), ranks[gain < 0].sum())
    return min(1.0, 2 * float(_sums(ranks)[: worse + 1].sum()))


def _sums(ranks: NDArray[np.int64]) -> FloatArray:
    """Chance of each sum of the ranks whose sign is a plus, all signs being equally likely."""
    chance = np.zeros(ranks.sum() + 1)
    chance[0] = 1
    for rank in ranks:
        chance[rank:] = (chance[rank:] + chance[: len(chance) - rank]) / 2
        chance[:rank] /= 2
    return chance


def seeds_needed(tests: int) -> int:
    """Seeds below which not even a difference of one sign on all of them is significant, when
    corrected for so many tests."""
    return ceil(1 + log2(max(1, tests) / SIGNIFICANT))  # the smallest two-sided p is 2 ** (1 - S)


def holm(p: FloatArray) -> FloatArray:
    """p-values corrected for as many comparisons (Holm 1979)."""
    order = np.argsort(p)
    scaled = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    out = np.empty(len(p))
    out[order] = np.minimum(scaled, 1)
    return out


def gain_of(gain: FloatArray) -> dict[str, float]:
    """gain (the mean), low and high (95 %, Student's t) and p of a difference by seed [S]; NaN
    where there are too few."""
    low, high = mean_interval(gain)
    return {
        "gain": float(gain.mean()) if len(gain) else float("nan"),
        "low": low,
        "high": high,
        "p": signed_rank(gain) if len(gain) else float("nan"),
    }


def correct(rows: Sequence[dict[str, Any]]) -> None:
    """Holm's correction of the p in these rows, those without one (NaN) aside."""
    tested = [row for row in rows if row["p"] == row["p"]]
    for row, p in zip(tested, holm(np.array([row["p"] for row in tested])), strict=True):
        row["p"] = p


def mean_interval(gain: FloatArray, level: float = 0.95) -> tuple[float, float]:
    """Interval of a mean by Student's t; NaN below two values."""
    from scipy.stats import t

    if len(gain) < 2:
        return float("nan"), float("nan")
    half = t.ppf((1 + level) / 2, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
    return float(gain.mean() - half), float(gain.mean() + half)
