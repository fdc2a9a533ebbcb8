from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from classification.errors import FieldmarkError
from classification.neighbours import knn_graph, neighbours_of

from .reference import blobs, brute_force

SMALL = 40_000  # bytes: tiles of 64, so that a few hundred points are many tiles


@pytest.mark.parametrize("memory", [SMALL, 1 << 28])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_it_finds_what_sorting_all_distances_finds(metric, memory):
    x = blobs(700, 9)
    graph = knn_graph(x, 6, metric=metric, memory=memory)
    index, distance = brute_force(x, x, 6, metric=metric, skip_self=True)
    assert np.array_equal(graph.index, index)
    assert np.allclose(graph.distance, distance, rtol=1e-5, atol=1e-6)
    assert graph.recall == 1


@given(
    st.integers(1, 90),
    st.integers(1, 4),
    st.integers(1, 12),
    st.integers(0, 1000),
    st.sampled_from([1, 2, 5]),
)
@settings(max_examples=60, deadline=None)
def test_equal_distances_and_equal_points_go_by_position(n, d, k, seed, levels):
    """Whole numbers: many exact ties, many copies, and no rounding to excuse a difference."""
    x = np.random.default_rng(seed).integers(0, levels + 1, (n, d)).astype(np.float32)
    graph = knn_graph(x, k, memory=SMALL)
    assert graph.index.shape == (n, min(k, n - 1))
    index, distance = brute_force(x, x, min(k, n - 1), skip_self=True)
    assert np.array_equal(graph.index, index)
    assert np.allclose(graph.distance, distance)


def test_a_thousand_copies_of_one_frame_leave_room_for_their_neighbours():
    rng = np.random.default_rng(0)
    x = np.concatenate([np.ones((1000, 8)), rng.normal(size=(50, 8))]).astype(np.float32)
    graph = knn_graph(x, 5)
    assert (graph.distance[:1000] == 0).all()
    assert graph.index[0].tolist() == [1, 2, 3, 4, 5]
    assert graph.index[3].tolist() == [0, 1, 2, 4, 5]
    assert np.array_equal(graph.index[1000:], brute_force(x, x, 5, skip_self=True)[0][1000:])


def test_points_far_from_the_origin_and_close_together_are_told_apart():
    """One part in a million: products of float32 cannot, and the float64 search must."""
    rng = np.random.default_rng(0)
    x = np.where(np.arange(600)[:, None] % 2, 1000.0, -1000.0) + rng.normal(size=(600, 4)) * 1e-2
    x = x.astype(np.float32)
    graph = knn_graph(x, 5, memory=SMALL)
    _, distance = brute_force(x, x, 5, skip_self=True)
    assert np.allclose(graph.distance, distance, rtol=1e-5)


def test_memory_does_not_change_the_answer():
    x = blobs(500, 12)
    graphs = [knn_graph(x, 7, memory=memory) for memory in (1, 20_000, 1 << 28)]
    for graph in graphs[1:]:
        assert np.array_equal(graph.index, graphs[0].index)
        assert np.array_equal(graph.distance, graphs[0].distance)


def test_zero_rows_are_like_each_other_and_unlike_all_else():
    x = blobs(100, 5)
    x[[10, 60]] = 0
    graph = knn_graph(x, 99, metric="cosine")
    assert graph.index[10, 0] == 60
    assert graph.distance[10, 0] == 0
    assert np.allclose(graph.distance[10, 1:], 1)
    assert np.isclose(graph.distance[graph.index == 10], 1, atol=1e-6).sum() == 98


def test_other_floats_are_taken_as_float32():
    x = blobs(60, 4)
    assert np.array_equal(knn_graph(x.astype(np.float64), 3).index, knn_graph(x, 3).index)
    assert np.array_equal(knn_graph(np.asfortranarray(x), 3).index, knn_graph(x, 3).index)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_queries_find_their_nearest_points_and_themselves(metric):
    x = blobs(300, 6)
    queries = np.concatenate([x[:20], blobs(15, 6, seed=1)])
    index, distance = neighbours_of(queries, x, 4, metric=metric, memory=SMALL)
    expected = brute_force(queries, x, 4, metric=metric)
    assert np.array_equal(index, expected[0])
    assert np.allclose(distance, expected[1], rtol=1e-4, atol=1e-6)
    assert index[:20, 0].tolist() == list(range(20))


def test_queries_that_are_the_points_still_find_themselves():
    x = blobs(300, 6)
    index, _ = neighbours_of(x, x, 1)
    assert np.array_equal(index[:, 0], np.arange(300))


def test_more_neighbours_than_points_are_all_of_them():
    x = blobs(5, 3)
    assert knn_graph(x, 10).index.shape == (5, 4)
    assert neighbours_of(blobs(2, 3, seed=1), x, 10)[0].shape == (2, 5)
    assert knn_graph(x[:1], 3).index.shape == (1, 0)
    assert neighbours_of(x[:0], x, 3)[0].shape == (0, 3)


def nan(x):
    x[[3, 7], 0] = np.nan
    return x


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (nan, {}, r"2 rows hold NaN or infinity: 3, 7"),
        (
            lambda x: x * np.float32(np.inf),
            {},
            r"20 rows hold NaN or infinity: 0, 1, 2, 3, 4, \.\.",
        ),
        (lambda x: x * np.float32(1e30), {}, r"scale them to about 1"),
        (lambda x: x * np.float32(1e-30), {}, r"scale them to about 1"),
        (lambda x: x[0], {}, r"shape \[N, D\] wanted"),
        (lambda x: x, {"metric": "manhattan"}, r"unknown metric 'manhattan'.*euclidean, cosine"),
        (lambda x: x, {"k": 0}, r"ask for 1 or more"),
        (lambda x: x, {"recall": 0.0}, r"recall 0\.0 given.*above 0"),
    ],
)
def test_what_cannot_be_searched_is_refused(make, options, message):
    with pytest.raises(FieldmarkError, match=message):
        knn_graph(make(blobs(20, 3) + 10), **{"k": 2, **options})


def test_widths_must_agree():
    with pytest.raises(FieldmarkError, match="queries have 4 columns, points have 3"):
        neighbours_of(blobs(5, 4), blobs(5, 3), 2)


def test_searches_at_the_same_time_leave_the_threads_of_blas_as_they_were():
    def threads():
        return {
            d["filepath"]: d["num_threads"] for d in threadpool_info() if d["user_api"] == "blas"
        }

    before, x = threads(), blobs(400, 6)
    with ThreadPoolExecutor(3) as pool:
        graphs = list(pool.map(lambda _: knn_graph(x, 4, memory=SMALL), range(6)))
    assert threads() == before
    assert all(np.array_equal(g.index, graphs[0].index) for g in graphs)
