import numpy as np
import pandas as pd
import pytest

from classification.evaluation.trust import (
    acceptances,
    honesty,
    known_probs,
    label_suspects,
    scored,
)
from classification.predictions import write_predictions

CLASSES = ("cat", "deer", "fox")


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture
def predictions(tmp_path):
    """600 items of val and test; logits of a well calibrated model, made too sure by a half."""
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2, size=(600, 3))
    truth = np.array([rng.choice(3, p=p) for p in softmax(logits)])
    return write_predictions(
        tmp_path / "predictions.parquet",
        [f"{i}.jpg" for i in range(600)],
        softmax(logits).astype(np.float32),
        classes=CLASSES,
        split=np.where(np.arange(600) % 2, "val", "test"),
        labels=np.array(CLASSES)[truth],
        groups=rng.integers(0, 20, 600).astype(str),
    )


def test_honesty_tells_what_the_temperature_did_to_each_split(predictions):
    rows = honesty(predictions, temperature=2.5)  # as if the head had been far too sure
    assert [row.split for row in rows] == ["val", "test"]
    assert [row.n for row in rows] == [300, 300]
    for row in rows:
        assert row.ece[0] > 0.1 > row.ece[1]
        assert row.log_loss[0] > row.log_loss[1]


def test_what_could_be_accepted_comes_with_ranges_over_locations(predictions):
    found = acceptances(predictions, rng=np.random.default_rng(0), resamples=100)
    assert [row.target for row in found] == [0.9, 0.95, 0.99]
    easy, hard = found[0], found[1]
    assert easy.share > hard.share > 0
    assert easy.share_interval[0] < easy.share < easy.share_interval[1]
    assert easy.precision == pytest.approx(0.9, abs=0.08)


def test_without_one_of_the_splits_nothing_can_be_said(predictions):
    rng = np.random.default_rng(0)
    assert acceptances(predictions[predictions["split"] == "val"], rng=rng) == []
    assert acceptances(None, rng=rng) == []
    assert honesty(None, temperature=1.0) == []
    assert label_suspects(predictions.assign(label=None)).empty


def test_a_table_without_probabilities_or_locations_does_what_it_can(predictions):
    bare = predictions[["path", "split", "label", "prediction", "confidence"]]
    assert scored(bare).location is None
    assert honesty(bare, temperature=1.0) == []
    assert label_suspects(bare).empty


def test_labels_the_model_does_not_know_are_left_out(predictions):
    some = predictions.head(10).assign(label=["okapi"] * 4 + ["fox"] * 6)
    probs, truth = known_probs(some)
    assert probs.shape == (6, 3)
    assert (truth == 2).all()


def test_a_wrong_label_is_suspected_and_the_right_one_suggested():
    """Both splits are looked at; the rows keep what they say."""
    truth = np.arange(40) % 2
    probs = np.where(np.eye(2)[truth] == 1, 0.9, 0.1)
    given = truth.copy()
    given[5] = 1 - given[5]
    table = pd.DataFrame(
        {
            "path": [f"{i}.jpg" for i in range(40)],
            "split": np.where(np.arange(40) < 20, "val", "test"),
            "label": np.array(["cat", "deer"])[given],
            "p_cat": probs[:, 0],
            "p_deer": probs[:, 1],
        }
    )
    found = label_suspects(table)
    assert found["path"].tolist() == ["5.jpg"]
    assert found["suggestion"].tolist() == ["deer"]
    assert found["margin"].tolist() == pytest.approx([0.8])
