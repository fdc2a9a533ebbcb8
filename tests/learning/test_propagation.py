import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.learning.propagation import (
    PropagationConfig,
    label_graph,
    propagate,
    propagate_targets,
)
from classification.neighbours import NeighbourGraph, knn_graph


def clusters(per=40, count=3, d=8, seed=0):
    """Points around orthogonal directions, and which one each is around."""
    rng = np.random.default_rng(seed)
    member = np.repeat(np.arange(count), per)
    x = np.eye(d)[member] + 0.15 * rng.normal(size=(len(member), d))
    return x.astype(np.float32), member


def graph_of(x, k=6):
    return knn_graph(x, k, metric="cosine")


def unlabelled(n, **known):
    labels = np.full(n, -1, dtype=np.int64)
    for row, label in known.items():
        labels[int(row[1:])] = label
    return labels


def test_one_label_per_cluster_labels_the_clusters():
    x, member = clusters()
    ids = np.array([7, 2, 4])  # not contiguous, not in order
    labels = unlabelled(120, r0=7, r40=2, r80=4)
    result = propagate(graph_of(x), labels, 9)
    assert np.array_equal(result.probs.argmax(axis=1), ids[member])
    assert np.allclose(result.probs.sum(axis=1), 1, atol=1e-5)
    assert (result.probs[:, [0, 1, 3, 5, 6, 8]] == 0).all()
    assert result.certainty[[0, 40, 80]].tolist() == [1, 1, 1]


def test_it_solves_the_equation_of_the_paper():
    x, _ = clusters(per=15)
    graph, labels = graph_of(x), unlabelled(45, r0=0, r3=0, r20=1, r40=2)
    result = propagate(graph, labels, 3, config=PropagationConfig(class_balanced=False))
    similarity = np.zeros((45, 45))
    for i in range(45):
        for j, distance in zip(graph.index[i], graph.distance[i], strict=True):
            similarity[i, j] = max(1 - distance, 0) ** 3
    both = similarity + similarity.T
    root = both.sum(axis=1) ** -0.5
    system = np.eye(45) - 0.9 * root[:, None] * both * root
    z = np.linalg.solve(system, (labels[:, None] == np.arange(3)).astype(float))
    free = labels < 0
    expected = z / z.sum(axis=1, keepdims=True)
    assert np.allclose(result.probs[free], expected[free], atol=1e-5)
    entropy = -(expected * np.log(np.maximum(expected, 1e-30))).sum(axis=1)
    assert np.allclose(result.certainty[free], (1 - entropy / np.log(3))[free], atol=1e-4)


def test_weights_by_temperature_are_those_of_bai_et_al():
    x, _ = clusters(per=15)
    graph, labels = graph_of(x), unlabelled(45, r0=0, r3=0, r20=1, r40=2)
    config = PropagationConfig(class_balanced=False, temperature=0.2)
    result = propagate(graph, labels, 3, config=config)
    weight = np.zeros((45, 45))
    for i in range(45):
        weight[i, graph.index[i]] = np.exp((1 - graph.distance[i]) / 0.2)
    both = weight + weight.T
    root = both.sum(axis=1) ** -0.5
    system = np.eye(45) - 0.9 * root[:, None] * both * root
    z = np.linalg.solve(system, (labels[:, None] == np.arange(3)).astype(float))
    free = labels < 0
    assert np.allclose(result.probs[free], (z / z.sum(axis=1, keepdims=True))[free], atol=1e-5)


def test_a_common_offset_does_not_make_everything_alike():
    """Features after a ReLU are all positive: by plain cosine the clusters run together."""
    x, member = clusters()
    labels = unlabelled(120, r0=0, r40=1, r80=2)
    result = propagate(label_graph(x + 10, 6), labels, 3)
    assert np.array_equal(result.probs.argmax(axis=1), member)


def test_what_no_label_reaches_is_uniform_and_uncertain():
    index = np.array([[1], [0], [3], [2], [5], [4]])  # three pairs, apart
    graph = NeighbourGraph(
        index=index, distance=np.full((6, 1), 0.1, np.float32), metric="cosine", recall=1.0
    )
    result = propagate(graph, unlabelled(6, r0=0, r2=3), 4)
    assert result.probs[1].tolist() == [1, 0, 0, 0]
    assert result.probs[3].tolist() == [0, 0, 0, 1]
    assert np.allclose(result.probs[4:], 0.25)
    assert (result.certainty[4:] == 0).all()
    assert result.certainty[1] == 1


def test_one_label_or_none_claims_nothing_about_the_rest():
    x, _ = clusters()
    one = propagate(graph_of(x), unlabelled(120, r5=1), 3)
    assert one.certainty[5] == 1
    assert one.certainty.sum() == 1
    none = propagate(graph_of(x), unlabelled(120), 3)
    assert np.allclose(none.probs, 1 / 3)
    assert (none.certainty == 0).all()


def test_a_class_with_many_labels_does_not_drown_one_with_few():
    x, member = clusters(count=2, d=2, seed=3)
    x += 0.35 * np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    labels = np.where((member == 0) & (np.arange(80) % 2 == 0), 0, -1)
    labels[45] = 1
    right = [
        np.mean(
            propagate(graph_of(x), labels, 2, config=PropagationConfig(class_balanced=balanced))
            .probs[member == 1]
            .argmax(axis=1)
        )
        for balanced in (True, False)
    ]
    assert right[0] > right[1]


@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 500))
@settings(max_examples=40, deadline=None)
def test_probabilities_whatever_was_labelled(n, n_classes, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    labels = rng.integers(-1, n_classes, n)
    result = propagate(graph_of(x, 3), labels, n_classes)
    assert np.allclose(result.probs.sum(axis=1), 1, atol=1e-5)
    assert (result.probs >= 0).all()
    assert ((result.certainty >= 0) & (result.certainty <= 1)).all()
    known = labels >= 0
    assert np.array_equal(result.probs[known].argmax(axis=1), labels[known])


def test_targets_of_several_classes_are_told_apart_by_presence_and_absence():
    x, member = clusters()
    targets = np.full((120, 3), np.nan, dtype=np.float32)
    targets[0] = [1, 1, np.nan]
    targets[40] = [1, 0, 1]
    targets[80] = [0, 0, 1]
    result = propagate_targets(graph_of(x), targets)
    said = result.probs > 0.5
    assert np.array_equal(said[:, 0], member != 2)
    assert np.array_equal(said[:, 1], member == 0)
    assert result.probs[0, :2].tolist() == [1, 1]
    assert result.certainty[0, :2].tolist() == [1, 1]
    assert result.certainty[1:40, 2].max() == 0  # class 2 was never seen absent


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.full(5, -1), "the graph has 120 items, labels are given for 5"),
        (np.full(120, 3), r"120 labels are not -1 or below 3, the first in row 0: 3"),
        (np.full(120, -2), r"not -1 or below 3"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, message):
    with pytest.raises(FieldmarkError, match=message):
        propagate(graph_of(clusters()[0]), labels, 3)


def test_other_mistakes_say_what_to_do():
    x, _ = clusters()
    with pytest.raises(FieldmarkError, match="build it by label_graph"):
        propagate(knn_graph(x, 3), unlabelled(120), 3)
    half = np.zeros((120, 3), np.float32)
    half[1, 2] = 0.5
    with pytest.raises(FieldmarkError, match=r"the first in row 1, column 2: 0\.5"):
        propagate_targets(graph_of(x), half)
    with pytest.raises(FieldmarkError, match=r"(?s)alpha 1\.0.*gamma 0\.0"):
        PropagationConfig(alpha=1.0, gamma=0.0)
