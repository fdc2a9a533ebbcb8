"""A round's record as MLflow metrics, under names that MLflow takes."""

import re
from typing import Any

from classification.labelling.judged import KEPT

SCORES = ("accuracy", "macro_f1", "balanced_accuracy", "ece", "log_loss")


def round_metrics(record: dict[str, Any]) -> dict[str, float]:
    """MLflow metrics of one ``metrics.json``: finite numbers only, absent ones left out."""
    found: dict[str, Any] = {"num_labels": record["num_labels"], "num_pool": record["num_pool"]}
    found |= {f"seconds/{key}": value for key, value in record["seconds"].items()}
    if record.get("calibration"):
        found["temperature"] = record["calibration"]["temperature"]
    for split in ("val", "test", KEPT):
        scores = record.get(split)
        if not scores:
            continue
        found |= {f"{split}_{key}": scores[key] for key in SCORES}
        for key, bounds in scores["intervals"].items():
            if bounds:
                found |= {f"{split}_{key}_low": bounds[0], f"{split}_{key}_high": bounds[1]}
        names = metric_names(list(scores["per_class"]))
        for name, row in zip(names, scores["per_class"].values(), strict=True):
            found |= {f"{split}_{key}/{name}": row[key] for key in ("precision", "recall", "f1")}
    return {key: float(value) for key, value in found.items() if value is not None}


def metric_names(classes: list[str]) -> list[str]:
    """Each class as the last part of a metric's name: MLflow's characters only, and no two alike.

    A name that has to change gets its class id: ``fox?`` and ``fox!`` would both be ``fox_``.
    """
    safe = [re.sub(r"[^\w. -]", "_", name).strip(" .") for name in classes]
    return [
        name if name and name == given else f"{name or 'class'}/{number}"
        for number, (name, given) in enumerate(zip(safe, classes, strict=True))
    ]
