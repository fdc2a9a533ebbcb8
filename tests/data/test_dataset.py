import json

import pandas as pd
import pytest

from classification.config import DataConfig
from classification.data.dataset import load_dataset
from classification.errors import FieldmarkError
from tests.tiny import CLASSES, make_dataset


@pytest.fixture
def paths(tmp_path):
    return make_dataset(tmp_path / "data")


def load(paths, **fields):
    return load_dataset(DataConfig(dir=str(paths.root), **fields))


def edit(paths, change):
    table = pd.read_csv(paths.table)
    change(table).to_csv(paths.table, index=False)


def test_rows_classes_and_splits_fit_together(paths):
    dataset = load(paths)
    assert dataset.classes == CLASSES
    assert {s: len(dataset.rows(s)) for s in ("train", "val", "test")} == {
        "train": 54,
        "val": 18,
        "test": 18,
    }
    assert [CLASSES[i] for i in dataset.labels] == dataset.table["label"].tolist()
    assert dataset.groups[0] == "tiny/cam0"


def test_the_test_split_keeps_its_identity_when_training_data_are_added(paths, tmp_path):
    before = load(paths).hashes
    edit(paths, lambda t: t[t["location"] != "cam9"].sample(frac=1, random_state=0))
    splits = json.loads(paths.splits.read_text())
    splits["train"] = [g for g in splits["train"] if g[1] != "cam9"]
    paths.splits.write_text(json.dumps(splits))
    after = load(paths).hashes
    assert before["test_split"] == after["test_split"]
    assert before["table"] != after["table"]


def one_class(paths):
    edit(paths, lambda t: t[t["label"] == "fox"])
    paths.label_index.write_text('{"0": "fox"}')


def untrained_class(paths):
    edit(paths, lambda t: t[(t["label"] != "fox") | t["location"].isin(["cam0", "cam2"])])


def twice(paths):
    splits = json.loads(paths.splits.read_text())
    splits["test"].append(splits["train"][0])
    paths.splits.write_text(json.dumps(splits))


def leak(paths):
    edit(paths, lambda t: t.assign(seq_id="one burst"))


def unlabelled_test(paths):
    edit(paths, lambda t: t.assign(label=t["label"].where(~t["location"].isin(["cam2", "cam3"]))))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda p: p.table.unlink(), "classification table not found"),
        (lambda p: p.splits.unlink(), "splits file not found"),
        (lambda p: p.label_index.write_text("{"), "not valid JSON"),
        (lambda p: p.label_index.write_text('{"1": "a", "2": "b"}'), "without gaps"),
        (lambda p: edit(p, lambda t: t[:0]), "has no rows"),
        (one_class, "holds 1 class"),
        (untrained_class, r"class 'fox' has no training crop \(val or test: 6\)"),
        (unlabelled_test, "test split has no labelled crop"),
        (twice, "listed more than once"),
        (leak, r"(?s)splits leak.*sequence tiny/one burst"),
        (
            lambda p: edit(p, lambda t: t.assign(label=t["label"].replace("fox", "wolf"))),
            "labels that label_index.json lacks: wolf",
        ),
        (lambda p: edit(p, lambda t: t.drop(columns="sha256")), "column 'sha256' is missing"),
        (
            lambda p: edit(p, lambda t: t.assign(group=t["group"].replace("cam9", "cam77"))),
            "(?s)in no split.*not in the table",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_refused_with_the_reason(paths, damage, expected):
    damage(paths)
    with pytest.raises(FieldmarkError, match=expected):
        load(paths)


def test_a_missing_folder_names_the_steps(tmp_path):
    with pytest.raises(FieldmarkError, match=r"dataset folder not found.*crop_detections"):
        load_dataset(DataConfig(dir=str(tmp_path / "no")))


def test_a_leak_is_accepted_only_by_its_name(paths):
    leak(paths)
    with pytest.raises(FieldmarkError, match="splits leak"):
        load(paths, allow_leaks=("location",))
    assert len(load(paths, allow_leaks=("sequence",))) == 90


def test_a_class_may_hide_among_unlabelled_rows(paths):
    def hide(table):
        train = ~table["location"].isin([f"cam{i}" for i in range(4)])
        return table.assign(label=table["label"].where(~train | (table["label"] != "fox")))

    edit(paths, hide)
    assert (load(paths).labels == -1).sum() == 18
