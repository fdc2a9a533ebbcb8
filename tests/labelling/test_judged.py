"""What people say of items to measure on, as tables and datasets; rounds: test_judged_rounds."""

import pandas as pd
import pytest

from classification.config import DataConfig
from classification.data.dataset import load_dataset
from classification.labelling.decisions import Decision
from classification.labelling.judged import KEPT, judged_table, kept_aside, with_judged_labels
from tests.tiny import make_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Cameras 0 and 1 are val, 2 and 3 test."""
    return load_dataset(DataConfig(dir=str(make_dataset(tmp_path_factory.mktemp("d") / "x").root)))


def item(camera, number=0):
    return f"cam{camera}_{number}.jpg___crop_a{camera}_{number}.jpg"


def decided(camera, label, verdict="label"):
    name = item(camera)
    return {
        name: Decision(
            item=name, verdict=verdict, label=label, annotator="ann", source="app", round=0
        )
    }


@pytest.mark.parametrize(
    ("decisions", "flags", "rows"),
    [
        ({}, {}, []),
        (decided(2, "fox"), {}, [(item(2), "test", "fox")]),
        (decided(0, None, "exclude"), {}, [(item(0), "val", None)]),
        (decided(5, "fox"), {}, []),  # of train: learned from, not measured on
        (decided(5, "fox"), {item(5): True}, [(item(5), KEPT, "fox")]),
        ({}, {item(5): True}, [(item(5), KEPT, "fox")]),  # its label in the table
        (decided(5, None, "unsure"), {item(5): True}, [(item(5), KEPT, None)]),
        ({}, {item(5): False, item(2): False, item(0): True}, []),
        ({}, {"of another dataset.jpg": True}, []),
    ],
)
def test_which_items_are_measured_on_and_with_which_label(dataset, decisions, flags, rows):
    table = judged_table(dataset, decisions, flags)
    found = [tuple(None if pd.isna(v) else v for v in row) for row in table.to_numpy().tolist()]
    assert found == rows


def test_a_kept_item_is_in_no_split_and_a_new_test_label_makes_another_test(dataset):
    judged = judged_table(dataset, decided(2, "cat"), {item(5): True})
    seen = with_judged_labels(kept_aside(dataset, judged), judged)
    place = {path: i for i, path in enumerate(dataset.paths)}
    assert seen.split[place[item(5)]] == KEPT
    assert place[item(5)] not in seen.rows("train")
    assert dataset.split[place[item(5)]] == "train"  # the dataset itself is as it was
    assert seen.table["label"][place[item(2)]] == "cat" != dataset.table["label"][place[item(2)]]
    assert seen.classes[seen.labels[place[item(2)]]] == "cat"
    assert seen.hashes["test_split"] != dataset.hashes["test_split"]
    assert {**seen.hashes, "test_split": ""} == {**dataset.hashes, "test_split": ""}


def test_without_a_word_of_people_the_test_stays_the_same(dataset):
    judged = judged_table(dataset, {}, {item(5): True})
    seen = with_judged_labels(kept_aside(dataset, judged), judged)
    assert seen.hashes == dataset.hashes
