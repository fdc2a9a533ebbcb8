"""What people look for in the Active Learning Files folder, made from the newest round."""

from typing import Any

import numpy as np

from classification.files import atomic_path, read_json, write_json
from classification.paths.active_learning import ActiveLearningPaths

Counts = np.ndarray[Any, np.dtype[np.int64]]


def publish_scores(paths: ActiveLearningPaths, number: int) -> None:
    """Write ``test_results/train_set_size_N`` of a complete round where it is missing."""
    record = read_json(paths.round(number).metrics, what="metrics")
    results = paths.test_results(record["num_labels"])
    if not record["test"] or results.metrics.exists():
        return  # no model yet, nothing to test on, or done
    counts = np.array(record["test"]["confusion"], dtype=np.int64)
    scores = micro_and_macro(counts)
    _confusion(paths, record["num_labels"], counts, record["test"]["classes"])
    write_json(
        results.metrics,
        {"round": number, "num_labels": record["num_labels"], **scores, "test": record["test"]},
    )


def micro_and_macro(counts: Counts) -> dict[str, float]:
    """Accuracy, and precision and recall in two means.

    Args:
        counts: int64 [C, C], rows are the truth.

    Returns:
        ``accuracy``, ``micro_precision``, ``micro_recall`` (with one class per image all three are
        the same), and ``macro_precision``, ``macro_recall``: the means over the classes that occur
        in the truth. A class that is never predicted has precision 0, as in scikit-learn.
    """
    hits, truth, said = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    there = truth > 0
    total = float(hits.sum() / max(1, counts.sum()))
    precision = hits[there] / np.maximum(said[there], 1)
    recall = hits[there] / truth[there]
    return {
        "accuracy": total,
        "micro_precision": total,
        "micro_recall": total,
        "macro_precision": float(precision.mean()) if there.any() else 0.0,
        "macro_recall": float(recall.mean()) if there.any() else 0.0,
    }


def _confusion(paths: ActiveLearningPaths, labels: int, counts: Counts, classes: list[str]) -> None:
    from classification.figures import confusion_matrix, save

    results = paths.test_results(labels)
    with atomic_path(results.confusion_array) as temporary, temporary.open("wb") as f:
        np.savez(f, confusion=counts, classes=np.array(classes, dtype=str))
    save(confusion_matrix(counts.tolist(), classes), results.confusion_figure)


def publish_model(paths: ActiveLearningPaths) -> None:
    """Write ``embedding/``, ``classifier/`` and ``export/`` of the newest model, if it is newer."""
    from classification.learning.backbones import write_weights
    from classification.learning.head import save_head
    from classification.learning.model import load_classifier
    from classification.onnx_export import export_model

    newest = paths.newest_model()
    if newest is None:
        return
    card = paths.onnx.card
    if card.exists() and read_json(card, what="model card")["round"] == newest.number:
        return
    classifier = load_classifier(newest.root)
    write_weights(paths.embedding, classifier.backbone.state_dict())
    save_head(paths.classifier, classifier.head)
    export_model(paths.onnx, classifier)
