import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.learning import standardise
from classification.learning.standardise import block_rows, moments


@given(st.integers(1, 9), st.integers(1, 4), st.booleans())
def test_features_or_channels_get_mean_0_and_spread_1(n, rows, per_channel):
    """Whatever number of rows is in memory at a time."""
    x = np.random.default_rng(n).normal(3, 2, size=(n, 2, 2, 3)).astype(np.float16)
    before = standardise._NUMBERS
    standardise._NUMBERS = rows * 12
    try:
        mean, scale = moments(x, per_channel=per_channel)
    finally:
        standardise._NUMBERS = before
    axes = (0, 1, 2) if per_channel else 0
    assert mean.shape == ((3,) if per_channel else (2, 2, 3))
    exact = x.astype(np.float64)
    assert np.allclose(mean, exact.mean(axis=axes), atol=1e-4)
    spread = exact.std(axis=axes)
    assert np.allclose(scale, np.where(spread > 1e-4, spread, 1), atol=1e-3)


def test_feature_maps_come_in_smaller_blocks_than_embeddings():
    assert block_rows(np.zeros((10_000, 1280), np.float16)) == 4096
    assert block_rows(np.broadcast_to(np.float16(0), (10_000, 7, 7, 1280))) == 267
    assert block_rows(np.broadcast_to(np.float16(0), (2, 10_000, 10_000))) == 1


def test_the_rows_that_cannot_be_used_are_named():
    x = np.zeros((6, 2, 2, 3), np.float32)
    x[4, 1, 0, 2] = np.nan
    with pytest.raises(FieldmarkError, match="NaN or infinity in 1 rows: 4"):
        moments(x, per_channel=True)
