import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.query import clusters
from classification.query.clusters import UnitRows, central_rows, kmeans


def blobs(sizes, *, dim=5, seed=0, spread=0.05):
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(len(sizes), dim))
    of = np.repeat(np.arange(len(sizes)), sizes)
    rows = centres[of] + spread * rng.normal(size=(len(of), dim))
    return rows.astype(np.float32), of


def test_well_separated_clusters_are_found_however_unequal():
    rows, truth = blobs([300, 40, 9, 2])
    found = kmeans(rows, 4, np.random.default_rng(0))
    assert len(set(zip(truth.tolist(), found.of.tolist(), strict=True))) == 4
    for k in range(4):
        np.testing.assert_allclose(found.centres[k], rows[found.of == k].mean(axis=0), atol=1e-4)


@given(
    n=st.integers(1, 40), k=st.integers(1, 45), copies=st.integers(1, 4), seed=st.integers(0, 2**32)
)
def test_every_row_is_at_its_nearest_centre_even_among_duplicates(n, k, copies, seed):
    rows = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    rows = np.concatenate([rows] * copies)
    found = kmeans(rows, k, np.random.default_rng(seed))
    assert len(found.centres) == min(k, len(rows))
    squared = ((rows[:, None] - found.centres) ** 2).sum(axis=2)
    np.testing.assert_allclose(found.distances, squared.min(axis=1), atol=1e-4)
    of_own = squared[np.arange(len(rows)), found.of]
    np.testing.assert_allclose(of_own, squared.min(axis=1), atol=1e-4)


def test_centres_fitted_to_a_sample_serve_all_rows(monkeypatch):
    monkeypatch.setattr(clusters, "_SAMPLE", 200)
    rows, truth = blobs([3000, 2000, 1000])
    found = kmeans(rows, 3, np.random.default_rng(0))
    assert len(found.of) == 6000
    assert len(set(zip(truth.tolist(), found.of.tolist(), strict=True))) == 3


def test_heavy_rows_draw_the_centre_and_rows_of_no_weight_do_not():
    rows = np.array([[0.0], [1.0], [50.0]], dtype=np.float32)
    weights = np.array([3, 1, 0], dtype=np.float32)
    found = kmeans(rows, 1, np.random.default_rng(0), weights=weights)
    np.testing.assert_allclose(found.centres, [[0.25]], atol=1e-6)


def test_unit_rows_are_of_length_one_and_zero_rows_stay():
    x = np.array([[3, 4], [0, 0], [0, 2]], dtype=np.float32)
    rows = UnitRows(x, np.array([2, 1, 0]))
    assert len(rows) == 3
    np.testing.assert_allclose(rows[0:3], [[0, 1], [0, 0], [0.6, 0.8]])
    np.testing.assert_allclose(rows[np.array([2])], [[0.6, 0.8]])


def test_central_rows_are_nearest_first_one_of_each_cluster_per_turn():
    x = np.array([[0.0], [0.1], [-0.3], [9.0], [9.2], [5.0]], dtype=np.float32)
    found = kmeans(x, 3, np.random.default_rng(0))
    assert central_rows(found, 3).tolist()[0] == 0  # of the largest cluster; its mean is -0.07
    assert sorted(central_rows(found, 3).tolist()) in ([0, 3, 5], [0, 4, 5])
    assert sorted(central_rows(found, 5).tolist()) == [0, 1, 3, 4, 5]
    assert sorted(central_rows(found, 6).tolist()) == list(range(6))


@pytest.mark.parametrize("rows", [np.zeros((8, 3)), np.ones((8, 3))])
def test_coinciding_rows_still_give_as_many_as_asked(rows):
    found = kmeans(rows.astype(np.float32), 4, np.random.default_rng(0))
    assert sorted(central_rows(found, 8).tolist()) == list(range(8))
