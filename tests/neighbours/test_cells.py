import numpy as np
import pytest

from classification.neighbours import knn_graph

from .reference import blobs


def share_found(graph, exact):
    both = zip(graph.index, exact.index, strict=True)
    return np.mean([np.isin(found, true).mean() for found, true in both])


@pytest.mark.parametrize("recall", [0.8, 0.97])
def test_the_recall_it_states_is_the_recall_it_has(recall):
    x = blobs(4000, 12, count=60)
    graph, exact = knn_graph(x, 8, recall=recall), knn_graph(x, 8)
    assert graph.recall >= recall
    assert graph.recall < 1
    assert share_found(graph, exact) == pytest.approx(graph.recall, abs=0.03)


def test_distances_and_order_are_those_of_the_neighbours_found():
    x = blobs(3000, 8, count=50)
    graph = knn_graph(x, 5, recall=0.9)
    true = np.linalg.norm(x[graph.index] - x[:, None], axis=2)
    assert np.allclose(graph.distance, true, rtol=1e-4, atol=1e-6)
    assert (np.diff(graph.distance, axis=1) >= 0).all()
    assert (graph.index != np.arange(3000)[:, None]).all()


def test_copies_find_each_other_in_cells_too():
    x = np.repeat(blobs(1500, 8, count=50), 2, axis=0)
    graph = knn_graph(x, 3, recall=0.9)
    assert np.array_equal(graph.index[:, 0], np.arange(3000) ^ 1)


def test_points_without_cells_are_searched_exactly():
    """In 64 dimensions of noise most cells hold some neighbour: exact search is no dearer."""
    x = np.random.default_rng(0).normal(size=(1000, 64)).astype(np.float32)
    graph = knn_graph(x, 10, recall=0.95)
    assert graph.recall == 1
    assert np.array_equal(graph.index, knn_graph(x, 10).index)


def test_twice_the_same_graph():
    x = blobs(2000, 6, count=40)
    first, second = (knn_graph(x, 4, recall=0.9) for _ in range(2))
    assert np.array_equal(first.index, second.index)
    assert np.array_equal(first.distance, second.distance)
