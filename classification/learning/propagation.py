"""Label propagation: what the labels given so far say of every other item, along a graph.

Diffusion of Iscen et al. 2019, "Label Propagation for Deep Semi-supervised Learning" (CVPR), with
the certainty by which it weighs pseudo-labels; used for labelling by Bai et al. 2021,
"Self-supervised Semi-supervised Learning for Data Labeling and Quality Evaluation".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array

from classification.errors import FieldmarkError
from classification.learning.standardise import moments
from classification.neighbours import NeighbourGraph, knn_graph

_TOLERANCE = 1e-8  # far from any label the values are small, and only their ratio counts
_MAX_STEPS = 1000
_COLUMNS = 16  # solved together: 0.6 GB at a million items


@dataclass(frozen=True, kw_only=True)
class PropagationConfig:
    """How far labels reach."""

    alpha: float = 0.9
    """Share of an item's value that comes from its neighbours, 0 to 1 exclusive. The paper's 0.99
    was worse on frozen features at 60 and 240 labels, by 0.06 to 0.13 of macro-F1 on camera traps:
    labels then reach across the borders of classes."""
    gamma: float = 3.0
    """Power of the cosine similarity: higher trusts near neighbours more."""
    temperature: float | None = None
    """Weights of Bai et al., exp(cosine / temperature), in the place of the power: lower trusts
    near neighbours more."""
    class_balanced: bool = True
    """Whether every class starts with the same weight, however many labels it has."""

    def __post_init__(self) -> None:
        problems = []
        if not 0 < self.alpha < 1:
            problems.append(f"alpha {self.alpha}: between 0 and 1 is allowed, 0.9 is usual")
        if not self.gamma > 0:
            problems.append(f"gamma {self.gamma}: above 0 is allowed, 3 is usual")
        if self.temperature is not None and not self.temperature > 0:
            problems.append(f"temperature {self.temperature}: above 0 is allowed, 0.1 is usual")
        if problems:
            raise FieldmarkError.from_problems("labels cannot be propagated:", problems)


@dataclass(frozen=True, kw_only=True)
class Propagated:
    """What the labels say of every item.

    Attributes:
        probs: float32 [N, C]; under several labels per item, of each class by itself.
        certainty: float32 [N], or [N, C] under several labels per item; 0 (nothing known) to 1.
    """

    probs: NDArray[np.float32]
    certainty: NDArray[np.float32]


def label_graph(
    embeddings: NDArray[np.floating], k: int = 10, *, recall: float | None = None
) -> NeighbourGraph:
    """The graph to propagate along: by cosine distance of standardised embeddings.

    Features of a network with ReLU are all positive, and without standardisation everything is
    alike; it was worth 0.01 to 0.03 of macro-F1.

    Args:
        embeddings: [N, D].
        k: neighbours of each item.
        recall: as in `knn_graph`.
    """
    mean, scale = moments(embeddings)
    standard = np.subtract(embeddings, mean, dtype=np.float32)
    standard /= scale
    return knn_graph(standard, k, metric="cosine", recall=recall)


def propagate(
    graph: NeighbourGraph,
    labels: NDArray[np.int64],
    n_classes: int,
    *,
    config: PropagationConfig | None = None,
) -> Propagated:
    """One class per item.

    Args:
        graph: of the items, by cosine distance.
        labels: int64 [N], class id, -1 where unlabelled. Ids need not be contiguous.
        n_classes: C; ids are below it.
        config: how far labels reach.

    Returns:
        Class probabilities and certainty, one minus the entropy over its maximum log C. Labelled
        items keep their label, at certainty 1. Items that no label reaches are uniform at
        certainty 0. With labels of one class only, every other certainty is 0: there is nothing
        yet to tell it from.

    Raises:
        FieldmarkError: lengths differ, an id is out of range, or the graph is not by cosine.
    """
    _check(graph, labels)
    wrong = np.flatnonzero((labels < -1) | (labels >= n_classes))
    if len(wrong):
        raise FieldmarkError(
            f"{len(wrong)} labels are not -1 or below {n_classes}, the first in row {wrong[0]}: "
            f"{labels[wrong[0]]}"
        )
    config = config or PropagationConfig()
    known = np.flatnonzero(labels >= 0)
    classes, column = np.unique(labels[known], return_inverse=True)
    seeds = np.zeros((len(labels), len(classes)))
    seeds[known, column] = 1
    value = _diffuse(_weights(graph, config), seeds, config)
    probs = np.full((len(labels), n_classes), 1 / n_classes, dtype=np.float32)
    total = value.sum(axis=1)
    reached = total > 0
    probs[reached] = 0
    probs[np.ix_(reached, classes)] = value[reached] / total[reached, None]
    certainty = _certainty(probs) if len(classes) > 1 else np.zeros(len(labels), np.float32)
    probs[known] = 0
    probs[known, labels[known]] = 1
    certainty[known] = 1
    return Propagated(probs=probs, certainty=certainty)


def propagate_targets(
    graph: NeighbourGraph,
    targets: NDArray[np.float32],
    *,
    config: PropagationConfig | None = None,
) -> Propagated:
    """Several classes per item, each present, absent or unknown.

    Args:
        graph: of the items, by cosine distance.
        targets: float32 [N, C], 1 present, 0 absent, NaN unknown.
        config: how far labels reach.

    Returns:
        Probability that each class is present, and certainty of each, [N, C]. Known targets are
        kept, at certainty 1; what neither a presence nor an absence reaches is 0.5 at certainty 0.
        A class known only as present, or only as absent, has certainty 0 where it is not known.

    Raises:
        FieldmarkError: lengths differ, a target is none of 1, 0 and NaN, or the graph is not by
            cosine.
    """
    _check(graph, targets)
    wrong = np.argwhere(~(np.isnan(targets) | (targets == 0) | (targets == 1)))
    if len(wrong):
        row, column = wrong[0]
        raise FieldmarkError(
            f"{len(wrong)} targets are not 0, 1 or NaN, the first in row {row}, column {column}: "
            f"{targets[row, column]}"
        )
    config = config or PropagationConfig()
    weights = _weights(graph, config)
    n_classes = targets.shape[1]
    probs = np.full(targets.shape, 0.5, dtype=np.float32)
    certainty = np.zeros(targets.shape, dtype=np.float32)
    for start in range(0, n_classes, _COLUMNS // 2):
        part = targets[:, start : start + _COLUMNS // 2]
        present, absent = np.split(
            _diffuse(weights, np.hstack([part == 1, part == 0]), config), 2, 1
        )
        total = present + absent
        p = np.divide(present, total, out=np.full(total.shape, 0.5), where=total > 0)
        probs[:, start : start + p.shape[1]] = p
        told = (part == 1).any(axis=0) & (part == 0).any(axis=0)
        sure = _certainty(np.stack([p, 1 - p], axis=2).astype(np.float32))
        certainty[:, start : start + p.shape[1]] = np.where(told, sure, 0)
    known = ~np.isnan(targets)
    probs[known], certainty[known] = targets[known], 1
    return Propagated(probs=probs, certainty=certainty)


def _check(graph: NeighbourGraph, rows: NDArray[np.generic]) -> None:
    problems = []
    if graph.metric != "cosine":
        problems.append(f"the graph is by {graph.metric} distance; build it by label_graph")
    if len(rows) != len(graph):
        problems.append(f"the graph has {len(graph)} items, labels are given for {len(rows)}")
    if problems:
        raise FieldmarkError.from_problems("labels cannot be propagated:", problems)


def _weights(graph: NeighbourGraph, config: PropagationConfig) -> csr_array:
    """Symmetric weights, max(cos, 0)^gamma or exp(cos / T), divided by the root of both degrees."""
    n, k = graph.index.shape
    distance = graph.distance.astype(np.float64)
    if config.temperature is None:
        weight = np.maximum(1 - distance, 0) ** config.gamma
    else:  # up to a factor e^(1/T), which the normalisation takes out
        weight = np.exp(-distance / config.temperature)
    rows = np.repeat(np.arange(n), k)
    one_way = coo_array((weight.ravel(), (rows, graph.index.ravel())), shape=(n, n)).tocsr()
    both = one_way + one_way.T
    degree = np.asarray(both.sum(axis=1)).ravel()
    root = np.sqrt(np.divide(1, degree, out=np.zeros(n), where=degree > 0))
    return csr_array(diags_array(root) @ both @ diags_array(root))


def _diffuse(
    weights: csr_array, seeds: NDArray[np.generic], config: PropagationConfig
) -> NDArray[np.float64]:
    """Solve (I - alpha W) z = seeds for every column; float64 [N, S], none negative."""
    start = seeds.astype(np.float64)
    if config.class_balanced:
        start /= np.maximum(start.sum(axis=0), 1)
    parts = [
        _conjugate_gradient(weights, start[:, i : i + _COLUMNS], config.alpha)
        for i in range(0, start.shape[1], _COLUMNS)
    ]
    return np.maximum(np.hstack([np.empty((len(start), 0)), *parts]), 0)


def _conjugate_gradient(
    weights: csr_array, right: NDArray[np.float64], alpha: float
) -> NDArray[np.float64]:
    """All columns at once (Hestenes and Stiefel 1952); what no label reaches stays exactly 0."""
    value = np.zeros_like(right)
    residual, step = right.copy(), right.copy()
    square = (residual**2).sum(axis=0)
    goal = _TOLERANCE**2 * square
    for _ in range(_MAX_STEPS):
        if (square <= goal).all():
            break
        image = step - alpha * (weights @ step)
        curvature = (step * image).sum(axis=0)
        length = np.divide(square, curvature, out=np.zeros_like(square), where=square > goal)
        value += length * step
        residual -= length * image
        before, square = square, (residual**2).sum(axis=0)
        step *= np.divide(square, before, out=np.zeros_like(square), where=before > 0)
        step += residual
    return value


def _certainty(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 - H(p) / log C over the last axis; 1 for a single class."""
    if probs.shape[-1] < 2:
        return np.ones(probs.shape[:-1], dtype=np.float32)
    entropy = -(probs * np.log(np.maximum(probs, 1e-30))).sum(axis=-1)
    return np.clip(1 - entropy / np.log(probs.shape[-1]), 0, 1).astype(np.float32)
