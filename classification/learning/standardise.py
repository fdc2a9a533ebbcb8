"""Mean and spread of embeddings that may be larger than memory, and rows that cannot be used."""

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError

_BLOCK = 4096  # embeddings at a time


def moments(embeddings: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and spread of every feature, float32 [...]; the spread is 1 where there is none.

    Args:
        embeddings: [N, ...].

    Raises:
        FieldmarkError: NaN or infinity; the first rows are named.
    """
    first = second = np.zeros(embeddings.shape[1:])
    for start in range(0, len(embeddings), _BLOCK):
        block = np.asarray(embeddings[start : start + _BLOCK], dtype=np.float64)
        if not np.isfinite(block).all():
            bad = ~np.isfinite(block.reshape(len(block), -1)).all(axis=1)
            rows = np.pad(bad, (start, 0))
            raise FieldmarkError(bad_rows(rows, "embeddings hold NaN or infinity")[0])
        first = first + block.sum(axis=0)
        second = second + (block**2).sum(axis=0)
    mean = first / len(embeddings)
    spread = np.sqrt(np.maximum(second / len(embeddings) - mean**2, 0))
    scale = np.where(spread > 1e-6 * np.maximum(1, np.abs(mean)), spread, 1)
    return mean.astype(np.float32), scale.astype(np.float32)


def bad_rows(bad: NDArray[np.bool_], what: str) -> list[str]:
    """A problem that names the first rows of `bad` [N]; none where there is none."""
    rows = np.flatnonzero(bad)
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    return [f"{what} in {len(rows)} rows: {shown}"] if len(rows) else []
