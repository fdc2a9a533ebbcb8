"""What a version's record says of a run that is on disk."""

import numpy as np
import pytest

from classification.files import read_json, write_json
from classification.labelling.store import Decision, LabelStore
from classification.paths import RunPaths
from classification.predictions import write_predictions
from classification.versions.record import thresholds, version_record
from tests.versions.made import finish, record_of, scores

CLASSES = ["deer", "fox", "puma"]


@pytest.fixture
def paths(tmp_path, export):
    made = RunPaths(tmp_path / "runs" / "squeezenet" / "first")
    finish(made, export)
    return made


def card(paths):
    return read_json(paths.export / "model.json", what="card")


def test_it_has_the_same_fields_whatever_the_run_lacks(paths, export):
    record = version_record(paths, card(paths), name="critters")
    assert record.keys() == record_of(export).keys()
    assert record["licence"] == "not stated"
    assert record["labelling"] is None
    assert set(record["thresholds"]["per_class"].values()) == {None}


def test_a_tested_round_has_intervals_by_class_and_location(paths):
    write_json(paths.round(2).metrics, {"test": scores(0.8), "train_counts": {"fox": 3}})
    record = version_record(paths, card(paths), name="critters", licence="CC0-1.0")
    low, high = record["test"]["per_class"]["fox"]["f1_interval"]
    assert low <= record["test"]["per_class"]["fox"]["f1"] <= high
    assert record["test"]["per_class"]["puma"]["f1"] is not None
    assert record["test"]["per_class"]["élan"]["f1_interval"] is None
    assert record["train_counts"] == {"fox": 3}
    assert record["licence"] == "CC0-1.0"


def test_a_class_may_be_accepted_from_the_confidence_that_held_on_validation(paths):
    rng = np.random.default_rng(0)
    confidence = np.concatenate([np.linspace(0.5, 1, 200), np.full(60, 0.7), np.full(5, 0.99)])
    said = np.repeat([0, 1, 2], [200, 60, 5])
    probs = np.full((265, 3), 0.0)
    probs[np.arange(265), said] = confidence
    probs[np.arange(265), (said + 1) % 3] = 1 - confidence
    right = np.where(said == 0, confidence >= 0.8, rng.random(265) < 0.5)
    truth = np.where(right, said, (said + 1) % 3)
    write_predictions(
        paths.round(2).predictions,
        [f"{i}.jpg" for i in range(265)],
        probs.astype(np.float32),
        classes=CLASSES,
        split=["val"] * 265,
        labels=np.array(CLASSES, dtype=object)[truth],
    )
    found = thresholds(paths.round(2), CLASSES)
    assert found["precision"] == 0.95
    assert 0.75 < found["per_class"]["deer"] < 0.8  # 5 % of mistakes fit below 0.8
    assert found["per_class"]["fox"] is None  # as often wrong as right
    assert found["per_class"]["puma"] is None  # five prove nothing


def test_work_on_labels_counts_up_to_the_round_of_the_model(paths):
    LabelStore(paths.labels).add(
        Decision(
            item=f"{i}.jpg", verdict="label", label="fox", annotator="ann", source="app",
            round=number, decided_at=f"2024-05-01T10:{i:02d}:00+00:00",
        )
        for i, number in enumerate([-1, 0, 1, 1, 2])
    )  # fmt: skip
    record = version_record(paths, card(paths), name="critters")
    assert record["labelling"]["decisions"] == 4
    assert record["labelling"]["hours"] == pytest.approx(3 / 60)
