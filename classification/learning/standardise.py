"""Mean and spread of embeddings that may be larger than memory, and rows that cannot be used."""

import math

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError

_BLOCK, _NUMBERS = 4096, 1 << 24  # rows at a time, or fewer: feature maps have many numbers


def moments(
    embeddings: NDArray[np.floating], *, per_channel: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and spread of every feature, float32 [...]; the spread is 1 where there is none.

    Args:
        embeddings: [N, ...].
        per_channel: the last axis is that of channels, and each has one mean and spread wherever
            it is: float32 [C]. A convolution must see the same thing alike in all places.

    Raises:
        FieldmarkError: NaN or infinity; the first rows are named.
    """
    first = second = np.zeros(embeddings.shape[-1:] if per_channel else embeddings.shape[1:])
    count, step = 0, block_rows(embeddings)
    for start in range(0, len(embeddings), step):
        block = np.asarray(embeddings[start : start + step], dtype=np.float64)
        if not np.isfinite(block).all():
            bad = ~np.isfinite(block.reshape(len(block), -1)).all(axis=1)
            rows = np.pad(bad, (start, 0))
            raise FieldmarkError(bad_rows(rows, "embeddings hold NaN or infinity")[0])
        rows = block.reshape(-1, block.shape[-1]) if per_channel else block
        first = first + rows.sum(axis=0)
        second = second + (rows**2).sum(axis=0)
        count += len(rows)
    mean = first / max(count, 1)
    spread = np.sqrt(np.maximum(second / max(count, 1) - mean**2, 0))
    scale = np.where(spread > 1e-6 * np.maximum(1, np.abs(mean)), spread, 1)
    return mean.astype(np.float32), scale.astype(np.float32)


def block_rows(embeddings: NDArray[np.floating]) -> int:
    """How many rows of embeddings or feature maps [N, ...] to take into memory at a time."""
    return max(1, min(_BLOCK, _NUMBERS // max(1, math.prod(embeddings.shape[1:]))))


def bad_rows(bad: NDArray[np.bool_], what: str) -> list[str]:
    """A problem that names the first rows of `bad` [N]; none where there is none."""
    rows = np.flatnonzero(bad)
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    return [f"{what} in {len(rows)} rows: {shown}"] if len(rows) else []
