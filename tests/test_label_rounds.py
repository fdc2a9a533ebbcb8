"""Rounds that people answer through Timelapse, and classes that come while a run is going."""

import csv
import json
import sqlite3

import pandas as pd
import pytest

from classification.errors import FieldmarkError
from classification.inference import predict_split
from classification.labelling.store import Decision, LabelStore
from classification.labelling.timelapse.exchange import SUCCESS
from classification.launch import Job
from classification.launch.local import LocalLauncher
from classification.paths.labels import TimelapsePaths
from classification.query.names import STRATEGY_NAMES
from classification.settings import Override, load_config
from tests.tiny import hide_labels, make_tiny, write_config


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_tiny(tmp_path_factory.mktemp("label_rounds"))


@pytest.fixture
def tiny(template, tmp_path):
    """A run on images nobody has labelled yet, and what the labels would be."""
    fresh = type(template)(
        data=hide_labels(template.data, tmp_path / "data"),
        run=type(template.run)(tmp_path / "runs" / "test" / "tiny"),
    )
    write_config(fresh, **{"labels.source": "timelapse", "rounds": 1})
    return fresh


@pytest.fixture
def truth(template):
    table = pd.read_csv(template.data.table)
    return dict(zip(table["path"], table["label"], strict=True))


def play(tiny, **overrides):
    options = [Override(key=key, text=str(value)) for key, value in overrides.items()]
    config = load_config(tiny.run.config, options, strategies=STRATEGY_NAMES)
    LocalLauncher().submit(Job(config=config, run=tiny.run.root, resume=True))
    return config


def asked(tiny):
    """Items ticked in the selector."""
    with TimelapsePaths(tiny.run.root).selector.open(newline="") as f:
        rows = list(csv.DictReader(f))
    assert list(rows[0]) == ["File", "RelativePath", "Selected"]
    assert len(rows) == 90
    return [row["File"] for row in rows if row["Selected"] == "True"]


def give_back(tiny, labels, name="labels.csv", **form):
    """A CSV as Timelapse exports it, every image in it, some with a species."""
    form = {"sep": ",", "encoding": "utf-8"} | form
    items = pd.read_csv(tiny.data.table)["path"]
    table = pd.DataFrame(
        {
            "RootFolder": "crops",
            "File": items,
            "RelativePath": "",
            "DateTime": "2024-05-01 10:00:00",
            "DeleteFlag": "false",
            "Species": [labels.get(item, "") for item in items],
            "Selected": "false",
        }
    )
    table.to_csv(TimelapsePaths(tiny.run.root).returned / name, index=False, **form)


def test_timelapse_answers_a_round_in_two_parts(tiny, truth, capsys):
    paths = TimelapsePaths(tiny.run.root)
    play(tiny)
    assert "waiting for 8 labels" in (out := capsys.readouterr().out)
    assert str(paths.returned) in out
    query = set(pd.read_csv(tiny.run.round(0).query)["path"])
    assert set(asked(tiny)) == query
    connection = sqlite3.connect(paths.template)
    fields = dict(connection.execute("SELECT DataLabel, Type FROM TemplateTable"))
    connection.close()
    assert fields["Species"] == "FixedChoice"
    assert fields["Selected"] == "Flag"

    first, rest = sorted(query)[:5], sorted(query)[5:]
    give_back(tiny, {item: truth[item].upper() for item in first}, sep=";", encoding="utf-8-sig")
    play(tiny)
    out = capsys.readouterr().out
    assert "labels.csv: 5 labels taken" in out
    assert "3 selected images are not labelled yet" in out
    assert sorted(asked(tiny)) == rest

    give_back(tiny, truth, name="more.csv")  # a whole export, with everything people ever labelled
    play(tiny)
    assert SUCCESS in capsys.readouterr().out.splitlines()
    assert tiny.run.complete_rounds() == [0, 1]
    train = pd.read_csv(tiny.run.round(1).train)
    assert dict(zip(train["path"], train["label"], strict=True)) == {i: truth[i] for i in query}
    assert set(train["source"]) == {"timelapse"}
    assert (paths.returned / "labels.csv").exists()


def test_rows_with_faults_are_listed_and_the_corrected_file_is_taken(tiny, truth, capsys):
    play(tiny)
    query = asked(tiny)
    give_back(tiny, {item: truth[item] for item in query} | {query[0]: "wolf"})
    play(tiny)
    out = capsys.readouterr().out
    assert SUCCESS not in out
    assert f"{query[0]}: unknown species 'wolf'; known: cat, deer, fox" in out
    problems = pd.read_csv(TimelapsePaths(tiny.run.root).problems)
    assert problems[["File", "Species"]].to_numpy().tolist() == [[query[0], "wolf"]]
    assert asked(tiny) == query[:1]
    give_back(tiny, {item: truth[item] for item in query})
    play(tiny)
    assert SUCCESS in capsys.readouterr().out
    assert tiny.run.complete_rounds() == [0, 1]
    assert not TimelapsePaths(tiny.run.root).problems.exists()


def test_a_person_presses_enter_when_the_file_is_there(tiny, truth, capsys, monkeypatch):
    calls = []

    def press_enter(_prompt):
        calls.append(len(asked(tiny)))
        answers = {item: truth[item] for item in asked(tiny)[: 5 if len(calls) == 1 else None]}
        give_back(tiny, answers, name=f"{len(calls)}.csv")
        return ""

    monkeypatch.setattr("builtins.input", press_enter)
    play(tiny, **{"labels.wait": "enter"})
    assert calls == [8, 3]
    assert tiny.run.complete_rounds() == [0, 1]


def test_without_a_terminal_enter_ends_the_run_like_no(tiny, monkeypatch):
    def nobody(_prompt):
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    play(tiny, **{"labels.wait": "enter"})
    assert tiny.run.complete_rounds() == [0]


def test_a_watching_run_goes_on_when_the_file_lands(tiny, truth, monkeypatch):
    def land(_seconds):
        if not (TimelapsePaths(tiny.run.root).returned / "labels.csv").exists():
            give_back(tiny, {item: truth[item] for item in asked(tiny)})

    monkeypatch.setattr("classification.labelling.timelapse.exchange.wait_for_file.__kwdefaults__",
                        {"poll": 0.0, "sleep": land})  # fmt: skip
    play(tiny, **{"labels.wait": "watch"})
    assert tiny.run.complete_rounds() == [0, 1]


def by_hand(item, label, number=0):
    return Decision(
        item=item, verdict="label", label=label, annotator="ann", source="app", round=number
    )


def test_a_new_class_joins_and_earlier_rounds_stay_as_they_were(tiny, truth, tmp_path):
    write_config(tiny, **{"labels.source": "store", "rounds": 2})
    store = LabelStore(tiny.run.labels)
    play(tiny)
    first = pd.read_csv(tiny.run.round(0).query)["path"].tolist()
    store.add(by_hand(item, truth[item]) for item in first)
    play(tiny)
    assert tiny.run.complete_rounds() == [0, 1]
    before = {p.name: p.read_bytes() for p in tiny.run.round(1).root.iterdir()}

    second = pd.read_csv(tiny.run.round(1).query)["path"].tolist()
    store.add(
        by_hand(item, "wolf" if truth[item] == "cat" else truth[item], number=1) for item in second
    )
    assert "wolf" in {d.label for d in store.current().values()}
    with pytest.raises(FieldmarkError, match=r"(?s)labels.new_classes: accept.*'wolf'"):
        play(tiny)
    config = play(tiny, **{"labels.new_classes": "accept"})

    assert {p.name: p.read_bytes() for p in tiny.run.round(1).root.iterdir()} == before
    old, new = (json.loads(tiny.run.round(n).metrics.read_text()) for n in (1, 2))
    assert old["classes"] == ["cat", "deer", "fox"]
    assert new["classes"] == ["cat", "deer", "fox", "wolf"]
    assert new["train_counts"]["wolf"] > 0
    assert len(new["test"]["confusion"]) == 4
    card = json.loads((tiny.run.export / "model.json").read_text())
    assert card["classes"][-1] == "wolf"
    assert "wolf" in card["seen"]
    for number, width in ((1, 3), (2, 4)):  # each round predicts with its own list of classes
        output = tmp_path / f"{number}.csv"
        folder = tiny.run.round(number).root
        predict_split(config, tiny.run.root, "test", checkpoint=folder, output=output)
        table = pd.read_csv(output).filter(like="p_")
        assert table.shape[1] == width
    again = pd.read_parquet(tiny.run.round(2).predictions).filter(like="p_")
    assert list(again.columns) == ["p_cat", "p_deer", "p_fox", "p_wolf"]

    play(tiny, **{"labels.new_classes": "accept"})  # finished: nothing changes
    assert tiny.run.complete_rounds() == [0, 1, 2]


def test_a_round_with_a_new_class_is_the_same_after_an_interruption(tiny, truth):
    write_config(tiny, **{"labels.source": "store", "labels.new_classes": "accept", "rounds": 2})
    store = LabelStore(tiny.run.labels)
    play(tiny)
    query = pd.read_csv(tiny.run.round(0).query)["path"].tolist()
    store.add(by_hand(item, "wolf" if i == 0 else truth[item]) for i, item in enumerate(query))
    play(tiny)
    metrics = json.loads(tiny.run.round(1).metrics.read_text())
    head = tiny.run.round(1).head.read_bytes()
    tiny.run.round(1).metrics.unlink()  # as if it had been killed before the last write
    store.add([by_hand(query[1], "zebra")])  # came later, so it belongs to the next round
    play(tiny)
    again = json.loads(tiny.run.round(1).metrics.read_text())
    assert again["classes"] == metrics["classes"] == ["cat", "deer", "fox", "wolf"]
    assert again["test"] == metrics["test"]
    assert tiny.run.round(1).head.read_bytes() == head


def test_a_store_elsewhere_serves_the_run(tiny, truth, tmp_path):
    where = f"sqlite:///{tmp_path / 'team.db'}"
    write_config(tiny, **{"labels.source": "store", "labels.store": where, "rounds": 1})
    play(tiny)
    query = pd.read_csv(tiny.run.round(0).query)["path"].tolist()
    LabelStore(where).add(by_hand(item, truth[item]) for item in query)
    play(tiny)
    assert tiny.run.complete_rounds() == [0, 1]
    assert not tiny.run.labels.exists()


def test_on_the_overlap_a_round_waits_for_the_second_annotator(tiny, truth, capsys):
    write_config(tiny, **{"labels.source": "store", "labels.overlap": 1.0, "rounds": 1})
    play(tiny)
    query = pd.read_csv(tiny.run.round(0).query)["path"].tolist()
    store = LabelStore(tiny.run.labels)
    store.add(by_hand(item, truth[item]) for item in query)
    play(tiny)
    assert "waiting for 8 labels" in capsys.readouterr().out.splitlines()[-1]
    store.add(
        Decision(
            item=item, verdict="label", label=truth[item], annotator="ben", source="app", round=0
        )
        for item in query
    )
    play(tiny)
    assert tiny.run.complete_rounds() == [0, 1]


def test_a_label_of_a_held_out_image_is_stored_but_never_learned(tiny, truth):
    write_config(tiny, **{"labels.source": "store", "rounds": 0})
    table = pd.read_csv(tiny.data.table)
    held_out = table["path"][table["location"] == "cam2"].tolist()
    pool = table["path"][table["location"] == "cam5"].tolist()
    store = LabelStore(tiny.run.labels)
    store.add(
        by_hand(item, truth.get(item, "fox"), number=-1) for item in [*held_out, *pool, "gone.jpg"]
    )
    play(tiny)
    assert sorted(pd.read_csv(tiny.run.round(0).train)["path"]) == sorted(pool)
