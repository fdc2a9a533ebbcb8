"""The record of a model version: all that a person must know to trust it, or not, as JSON.

It lies beside the weights in the version itself, so that it goes where the model goes.
"""

from typing import TYPE_CHECKING, Any

from classification.files import read_json
from classification.paths import RoundPaths, RunPaths
from classification.settings import read_fields

if TYPE_CHECKING:
    import pandas as pd

_PRECISION = 0.95  # of predictions that may be accepted unseen


def version_record(
    paths: RunPaths, card: dict[str, Any], *, name: str, licence: str = ""
) -> dict[str, Any]:
    """What is known of the model of a run's round.

    Args:
        paths: the run.
        card: the model's card, ``model.json``.
        name: in the registry.
        licence: of the model; empty: nobody said.

    Raises:
        FieldmarkError: the round's ``metrics.json`` is missing or damaged.
    """
    from classification.evaluation.intervals import with_intervals

    played, folder = paths.round(card["round"]), paths.root.resolve()
    metrics = read_json(played.metrics, what="metrics")
    test = metrics.get("test")
    return {
        "name": name,
        "run": f"{folder.parent.name}/{folder.name}",
        "licence": licence or "not stated",
        **{key: card[key] for key in ("round", "classes", "seen", "preprocessing", "temperature")},
        "thresholds": thresholds(played, card["classes"]),
        "backbone": {key: card[key] for key in ("backbone", "weights", "weights_sha256")},
        "data": card["data"],
        "num_labels": card["num_labels"],
        "train_counts": metrics.get("train_counts", {}),
        "train_locations": metrics.get("train_locations", {}),
        "labelling": _labelling(paths, played),
        "test": with_intervals(test) if test else None,
        "provenance": _read(played),
    }


def thresholds(played: RoundPaths, classes: list[str]) -> dict[str, Any]:
    """By class, the confidence from which its predictions were right 95 times of 100.

    Measured on validation cameras; None for a class of which too few were predicted there, or
    which never is that reliable: a person should look at all of those.
    """
    found: dict[str, float | None] = dict.fromkeys(classes)
    if played.predictions.exists():
        import pandas as pd

        columns = ["split", "label", "prediction", "confidence"]
        table = pd.read_parquet(played.predictions, columns=columns)
        table = table[(table["split"] == "val") & table["label"].notna()]
        found |= {name: _threshold(table[table["prediction"] == name]) for name in classes}
    return {"precision": _PRECISION, "split": "val", "per_class": found}


def _threshold(rows: "pd.DataFrame") -> float | None:
    from classification.evaluation.calibration import acceptance_threshold

    right = (rows["label"] == rows["prediction"]).to_numpy(bool)
    return acceptance_threshold(rows["confidence"].to_numpy(float), right, precision=_PRECISION)


def _labelling(paths: RunPaths, played: RoundPaths) -> dict[str, Any] | None:
    """Work that people put into the labels of the run so far; None without a ledger."""
    from classification.labelling.effort import effort
    from classification.labelling.store import LabelStore

    where = read_fields(played.config).get("labels", {}).get("store") if _has_config(played) else ""
    if not where and not paths.labels.exists():
        return None
    history = LabelStore(where or paths.labels).history()
    return effort(d for d in history if d.round < played.number).to_json()


def _has_config(played: RoundPaths) -> bool:
    return played.config.exists()


def _read(played: RoundPaths) -> dict[str, Any]:
    path = played.provenance
    return read_json(path, what="provenance") if path.exists() else {}
