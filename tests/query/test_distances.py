import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.query.distances import (
    SPACES,
    Cosine,
    Euclidean,
    row_blocks,
    squared_distances,
    unit_rows,
)


def some(n, dim, *, seed=0, offset=0.0):
    return (np.random.default_rng(seed).normal(size=(n, dim)) + offset).astype(np.float32)


def plain(x, y):
    """Every difference in float64, one by one."""
    return ((x[:, None].astype(np.float64) - y[None].astype(np.float64)) ** 2).sum(axis=2)


@given(n=st.integers(0, 50), size=st.integers(1, 20))
def test_blocks_cover_every_row_once(n, size):
    rows = [i for block in row_blocks(n, size) for i in range(n)[block]]
    assert rows == list(range(n))


@given(n=st.integers(1, 30), m=st.integers(1, 30), dim=st.integers(1, 8), seed=st.integers(0, 99))
def test_distances_are_those_of_the_differences(n, m, dim, seed):
    x, y = some(n, dim, seed=seed), some(m, dim, seed=seed + 1)
    np.testing.assert_allclose(squared_distances(x, y), plain(x, y), rtol=1e-4, atol=1e-4)


def test_unit_rows_have_length_one_but_for_zero_rows():
    x = np.array([[3, 4], [0, 0], [1e-20, 0]], dtype=np.float32)
    np.testing.assert_allclose(unit_rows(x)[:2], [[0.6, 0.8], [0, 0]], rtol=1e-6)
    assert np.isfinite(unit_rows(x)).all()


@pytest.mark.parametrize("metric", SPACES)
def test_a_space_agrees_with_plain_differences_far_from_the_origin_too(metric):
    x = some(5000, 6, offset=20.0)
    reference = x if metric == "euclidean" else unit_rows(x)
    centres = np.random.default_rng(0).choice(5000, 300, replace=False)
    space = SPACES[metric](x)
    nearest = np.full(5000, np.inf, dtype=np.float32)
    space.lower(nearest, centres)
    expected = plain(reference, reference[centres]).min(axis=1)
    noise = 1e-2 if metric == "euclidean" else 1e-5
    np.testing.assert_allclose(nearest, expected, atol=noise)
    assert (nearest[centres] == 0).all()
    few = centres[:20]
    np.testing.assert_allclose(
        space.between(few), plain(reference[few], reference[few]), atol=noise
    )


def test_copies_are_at_distance_zero_and_zero_vectors_are_items_like_others():
    x = np.zeros((6, 3), dtype=np.float32)
    x[2:4] = [1000, 1, 7]
    for space in (Euclidean(x), Cosine(x)):
        among = space.between(np.arange(6))
        assert (among[2:4, 2:4] == 0).all()
        assert (among[:2, :2] == 0).all()
        assert (among[0, 2:4] > 0.5).all()
