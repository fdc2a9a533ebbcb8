"""Rounds heed what a person keeps for validation, and measure on labels people give to the test."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from classification.errors import FieldmarkError
from classification.inference import predict_split
from classification.labelling.flags import flag_items
from classification.labelling.store import Decision, LabelStore
from classification.launch import Job
from classification.launch.local import LocalLauncher
from classification.query.names import STRATEGY_NAMES
from classification.settings import Override, load_config
from tests.tiny import Tiny, hide_labels, make_tiny, write_config


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_tiny(tmp_path_factory.mktemp("judged"))


@pytest.fixture
def truth(template):
    table = pd.read_csv(template.data.table)
    return dict(zip(table["path"], table["label"], strict=True))


@pytest.fixture
def tiny(template, tmp_path):
    """A run on images of which 12 of train have a label, and all of val and test."""
    data = hide_labels(template.data, tmp_path / "data", keep=12)
    fresh = Tiny(data=data, run=type(template.run)(tmp_path / "runs" / "test" / "tiny"))
    write_config(fresh, **{"labels.source": "store", "rounds": 1})
    return fresh


def play(tiny, **overrides):
    options = [Override(key=key, text=str(value)) for key, value in overrides.items()]
    config = load_config(tiny.run.config, options, strategies=STRATEGY_NAMES)
    LocalLauncher().submit(Job(config=config, run=tiny.run.root, resume=True))
    return config


def answer(tiny, items, truth):
    given = Decision(item="", verdict="label", label="", annotator="ann", source="app", round=-1)
    LabelStore(tiny.run.labels).add([replace(given, item=i, label=truth[i]) for i in items])


def metrics(tiny, number):
    return json.loads(tiny.run.round(number).metrics.read_text())


def labelled(tiny):
    table = pd.read_csv(tiny.data.table)
    train = ~table["location"].isin([f"cam{i}" for i in range(4)])
    return table.loc[train & table["label"].notna(), "path"].tolist()


def test_what_is_kept_for_validation_is_measured_on_and_never_learned(tiny, truth, capsys):
    kept = labelled(tiny)[:4]
    tiny.run.root.mkdir(parents=True, exist_ok=True)
    flag_items(LabelStore(tiny.run.labels), kept, validation=True, annotator="ann")
    play(tiny)
    first = metrics(tiny, 0)
    assert first["num_labels"] == 8
    assert first["kept"]["n"] == 4
    assert first["val"]["n"] == first["test"]["n"] == 18
    assert not set(kept) & set(pd.read_csv(tiny.run.round(0).train)["path"])
    assert not set(kept) & set(pd.read_csv(tiny.run.round(0).query)["path"])
    assert f"kept {first['kept']['accuracy']:.3f}" in capsys.readouterr().out
    assert "On 4 images that people keep for validation" in tiny.run.report.read_text()

    query = pd.read_csv(tiny.run.round(0).query)["path"].tolist()
    answer(tiny, query, truth)  # a second thought, and one of the answers is kept, too
    flag_items(LabelStore(tiny.run.labels), kept[:3], validation=False, annotator="ann")
    flag_items(LabelStore(tiny.run.labels), query[:1], validation=True, annotator="ann")
    play(tiny)
    second = metrics(tiny, 1)
    assert second["kept"]["n"] == 2
    assert second["num_labels"] == 12 + len(query) - 2
    assert second["data"] == first["data"]


def test_a_round_played_again_has_the_flags_it_began_with(tiny):
    play(tiny)
    before = metrics(tiny, 0)
    tiny.run.round(0).metrics.unlink()
    flag_items(LabelStore(tiny.run.labels), labelled(tiny)[:4], validation=True, annotator="ann")
    play(tiny)
    assert {**metrics(tiny, 0), "seconds": 0} == {**before, "seconds": 0}


def test_an_archive_whose_test_nobody_has_labelled_is_measured_once_people_did(tiny, truth, capsys):
    table = pd.read_csv(tiny.data.table)
    judged = table["location"].isin([f"cam{i}" for i in range(4)])
    table.loc[judged, "label"] = None
    table.to_csv(tiny.data.table, index=False)
    config = play(tiny)
    assert metrics(tiny, 0)["test"] is None
    assert metrics(tiny, 0)["val"] is None
    assert "nobody has labelled an image of the test split" in capsys.readouterr().out

    query = pd.read_csv(tiny.run.round(0).query)["path"].tolist()
    answer(tiny, query + table.loc[judged, "path"].tolist(), truth)
    play(tiny)
    second = metrics(tiny, 1)
    assert second["test"]["n"] == second["val"]["n"] == 18
    assert second["num_labels"] == 12 + len(query)
    assert second["data"]["test_split"] != metrics(tiny, 0)["data"]["test_split"]
    capsys.readouterr()
    predict_split(config, tiny.run.root, "test", checkpoint=None, output=None)
    assert f"test: accuracy {second['test']['accuracy']:.3f}" in capsys.readouterr().out

    with pytest.raises(FieldmarkError, match="test split has no labelled crop"):
        play(tiny, **{"labels.source": "oracle"})


def test_a_class_that_people_found_in_the_test_only_is_measured_as_one_never_learned(tiny, truth):
    table = pd.read_csv(tiny.data.table)
    found = table.loc[table["location"] == "cam2", "path"].tolist()[:2]
    answer(tiny, found, dict.fromkeys(found, "wolf"))
    with pytest.raises(FieldmarkError, match="'wolf': 2 items"):
        play(tiny)
    play(tiny, **{"labels.new_classes": "accept"})
    first = metrics(tiny, 0)
    assert first["classes"] == ["cat", "deer", "fox", "wolf"]
    assert first["test"]["per_class"]["wolf"]["support"] == 2
    assert first["test"]["per_class"]["wolf"]["recall"] == 0
