import multiprocessing
import os
import signal
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.labelling.oracle import answer
from classification.labelling.store import Decision, LabelStore


def decision(item, label="fox", **changes):
    values = {
        "item": item,
        "verdict": "label" if label else "unsure",
        "label": label,
        "annotator": "ann",
        "source": "app",
        "round": 0,
    }
    return Decision(**(values | changes))


@pytest.fixture
def store(tmp_path):
    return LabelStore(tmp_path / "run" / "labels.db")


def test_the_latest_decision_counts_and_the_history_stays(store):
    store.add([decision("a", "fox"), decision("b", "deer")])
    store.add([decision("a", "coyote", annotator="ben")])
    assert {k: d.label for k, d in store.current().items()} == {"b": "deer", "a": "coyote"}
    assert [d.label for d in store.history("a")] == ["fox", "coyote"]


def test_undo_goes_back_to_no_decision(store):
    store.add([decision("a")])
    store.add([decision("a", None, verdict="undo")])
    assert store.current() == {}
    assert store.undecided(["a", "b"]) == ["a", "b"]
    assert len(store.history("a")) == 2


def test_a_skipped_item_waits_again_and_an_unsure_one_does_not(store):
    store.add([decision("a", None, verdict="skip"), decision("b", None)])
    assert store.undecided(["a", "b", "c"]) == ["a", "c"]


@pytest.mark.parametrize("statement", ["UPDATE decisions SET label = 'x'", "DELETE FROM decisions"])
def test_the_database_itself_refuses_to_change_the_past(store, tmp_path, statement):
    store.add([decision("a")])
    with (
        sqlite3.connect(tmp_path / "run" / "labels.db") as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)
    connection.close()
    assert store.current()["a"].label == "fox"


def test_a_batch_is_added_whole_or_not_at_all(store):
    bad = decision("b", None, verdict="label")  # a label without a name
    with pytest.raises(FieldmarkError, match="Nothing was added"):
        store.add([decision("a"), bad])
    assert store.current() == {}


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "labels.db"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(FieldmarkError, match="not a database"):
        LabelStore(path)


def _write_until_killed(path, connection):
    store = LabelStore(path)
    for number in range(10_000):
        store.add([decision(f"item{number}")])
        connection.send(number)


def test_acknowledged_decisions_survive_a_kill(tmp_path):
    path = tmp_path / "labels.db"
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(
        target=_write_until_killed, args=(path, sender)
    )
    process.start()
    sender.close()
    while (acknowledged := receiver.recv()) < 25:
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    kept = set(LabelStore(path).current())
    assert {f"item{n}" for n in range(acknowledged + 1)} <= kept
    assert len(kept) <= 10_000


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["fox", "deer", "undo"]))))
def test_current_is_the_last_decision_of_each_item(tmp_path_factory, steps):
    store = LabelStore(tmp_path_factory.mktemp("store") / "labels.db")
    expected: dict[str, str] = {}
    for item, what in steps:
        if what == "undo":
            store.add([decision(item, None, verdict="undo")])
            expected.pop(item, None)
        else:
            store.add([decision(item, what)])
            expected[item] = what
    assert {k: d.label for k, d in store.current().items()} == expected


def test_the_oracle_reveals_each_hidden_label_once(store):
    truth = {"a": "fox", "b": "deer"}
    assert answer(store, ["a", "b", "c"], truth, round_number=2) == 3
    assert answer(store, ["a", "b", "c"], truth, round_number=2) == 0
    current = store.current()
    assert (current["a"].label, current["a"].round, current["a"].source) == ("fox", 2, "oracle")
    assert current["c"].verdict == "unsure"
