"""What a model of a comparison is worth, on the test and in other hands."""

import numpy as np
from numpy.typing import NDArray

from classification.evaluation.bootstrap import scores_of, tally


def score(
    truth: NDArray[np.int64], probs: NDArray[np.floating], n_classes: int
) -> tuple[dict[str, float], list[float | None]]:
    """Accuracy, macro-F1 and balanced accuracy; and the recall of each class, None where the truth
    lacks it.

    Args:
        truth: int64 [N].
        probs: float [N, C].
        n_classes: C.
    """
    tallies = _tally(truth, probs.argmax(axis=1), n_classes)
    hits, support = tallies[0], tallies[1]
    recall = [float(h / s) if s else None for h, s in zip(hits, support, strict=True)]
    return {name: float(value) for name, value in scores_of(tallies).items()}, recall


def successor_f1(
    embeddings: NDArray[np.floating],
    labels: NDArray[np.int64],
    *,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    n_classes: int,
    k: int = 5,
) -> float:
    """Macro-F1 of k nearest neighbours by cosine: another kind of model than the one that chose.

    Labels that one model asked for can be poor ones for the next (Lowell et al. 2018).

    Args:
        embeddings: float [N, D].
        labels: int64 [N].
        train: positions of the labelled items.
        test: positions of the test items.
        n_classes: class ids are below it.
        k: neighbours.
    """
    from sklearn.neighbors import KNeighborsClassifier

    train = np.sort(train)
    model = KNeighborsClassifier(min(k, len(train)), weights="distance", metric="cosine")
    said = model.fit(embeddings[train], labels[train]).predict(embeddings[test])
    return float(scores_of(_tally(labels[test], said, n_classes))["macro_f1"])


def _tally(
    truth: NDArray[np.int64], said: NDArray[np.integer], n_classes: int
) -> NDArray[np.float64]:
    """Hits, support and predictions of each class: float [3, C]."""
    everywhere = np.zeros_like(truth)
    return tally(truth, said.astype(np.int64), everywhere, shape=(1, n_classes))[0]
