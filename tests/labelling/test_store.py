import multiprocessing
import os
import signal
import sqlite3
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from classification.errors import FieldmarkError
from classification.labelling.decisions import current_decisions
from classification.labelling.oracle import answer
from classification.labelling.store import LabelStore
from tests.labelling.made import decision

SPAWN = multiprocessing.get_context("spawn")


def test_the_latest_decision_counts_and_the_history_stays(store):
    store.add([decision("a", "fox"), decision("b", "deer")])
    store.add([decision("a", "coyote", annotator="ben")])
    assert {k: d.label for k, d in store.current().items()} == {"b": "deer", "a": "coyote"}
    assert [d.label for d in store.history("a")] == ["fox", "coyote"]
    assert [d.item for d in store.history()] == ["a", "b", "a"]


def test_undo_goes_back_to_no_decision(store):
    store.add([decision("a")])
    store.add([decision("a", None, verdict="undo")])
    assert store.current() == {}
    assert store.undecided(["a", "b"]) == ["a", "b"]
    assert len(store.history("a")) == 2


def test_undo_takes_back_only_what_the_same_annotator_said(store):
    store.add([decision("a", "fox"), decision("a", "deer", annotator="ben")])
    store.add([decision("a", None, verdict="undo", annotator="ben")])
    assert store.current()["a"].label == "fox"
    assert store.undecided(["a"]) == []


def test_a_skipped_item_waits_again_and_an_unsure_one_does_not(store):
    store.add([decision("a", None, verdict="skip"), decision("b", None)])
    assert store.undecided(["a", "b", "c"]) == ["a", "c"]


def test_a_skip_does_not_hide_another_annotators_answer(store):
    store.add([decision("a", "fox"), decision("a", None, verdict="skip", annotator="ben")])
    assert store.current()["a"].label == "fox"
    assert store.undecided(["a"]) == []


def test_marks_say_which_classes_are_there_and_which_are_not(store):
    marks = decision("a", None, verdict="marks", present=("fox", "deer"), absent=("élan",))
    store.add([marks])
    kept = store.current()["a"]
    assert (kept.present, kept.absent) == (("deer", "fox"), ("élan",))
    assert kept.single is None
    assert decision("b", None, verdict="marks", present=("fox",)).single == "fox"


@pytest.mark.parametrize("statement", ["UPDATE decisions SET label = 'x'", "DELETE FROM decisions"])
@pytest.mark.parametrize("address", ["sqlite", "postgresql"], indirect=True)
def test_the_database_itself_refuses_to_change_the_past(store, statement):
    store.add([decision("a")], file=("ab", "a.csv"))
    engine = create_engine(store.database.url)
    for refused in (statement, statement.replace("decisions SET label", "imports SET name")):
        with (
            engine.connect() as connection,
            pytest.raises(DBAPIError, match="append-only"),
        ):
            connection.execute(text(refused))
    engine.dispose()
    assert store.current()["a"].label == "fox"


def test_a_batch_is_added_whole_or_not_at_all(store):
    bad = decision("b", None, verdict="label")  # a label without a name
    with pytest.raises(FieldmarkError, match=r"(?s)Nothing was added.*b: a class name goes with"):
        store.add([decision("a"), bad])
    assert store.current() == {}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"verdict": "maybe"}, "'maybe' is not one of"),
        ({"annotator": ""}, "may not be empty"),
        ({"verdict": "marks"}, "a class name goes with the verdict label"),
        ({"verdict": "marks", "label": None}, "marks of no class"),
        (
            {"verdict": "marks", "label": None, "present": ("fox",), "absent": ("fox",)},
            "fox cannot be both",
        ),
        ({"present": ("deer",)}, "only marks name several"),
    ],
)
def test_a_malformed_decision_is_named(changes, problem):
    assert problem in (decision("a", **changes).problem() or "")
    assert "may not be empty" in (decision("").problem() or "")


def test_a_file_is_taken_in_once(store):
    store.add([decision("a")], file=("ab" * 32, "labels.csv"))
    assert store.has_file("ab" * 32)
    with pytest.raises(FieldmarkError, match="Nothing was added"):
        store.add([decision("b")], file=("ab" * 32, "again.csv"))
    assert list(store.current()) == ["a"]


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "labels.db"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(FieldmarkError, match="not a database"):
        LabelStore(path)


@pytest.mark.parametrize("where", ["no address", "nosuch://host/labels"])
def test_an_address_that_is_none_is_named(where):
    with pytest.raises(FieldmarkError, match="label store"):
        LabelStore(where)


def test_a_password_is_never_shown(tmp_path):
    where = f"postgresql://ann:s3cret@/labels?host={tmp_path}"
    with pytest.raises(FieldmarkError, match="label store postgresql") as caught:
        LabelStore(where)
    assert "s3cret" not in str(caught.value)


VERSION_1 = """
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY, item TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('label', 'unsure', 'skip', 'exclude', 'undo')),
    label TEXT CHECK ((verdict = 'label') = (label IS NOT NULL)),
    annotator TEXT NOT NULL, source TEXT NOT NULL, round INTEGER NOT NULL,
    shown_at TEXT, decided_at TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_of_item ON decisions (item, id);
CREATE TRIGGER no_update BEFORE UPDATE ON decisions
    BEGIN SELECT RAISE(ABORT, 'the label store is append-only'); END;
CREATE TRIGGER no_delete BEFORE DELETE ON decisions
    BEGIN SELECT RAISE(ABORT, 'the label store is append-only'); END;
INSERT INTO decisions VALUES (1, 'a', 'label', 'fox', 'ann', 'app', 0, NULL, '2025-01-01');
INSERT INTO decisions VALUES (2, 'b', 'unsure', NULL, 'ben', 'app', 1, '2025-01-02', '2025-01-03');
INSERT INTO decisions VALUES (4, 'a', 'undo', NULL, 'ann', 'app', 0, NULL, '2025-01-04');
"""


@pytest.fixture
def version_1(tmp_path):
    path = tmp_path / "labels.db"
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA journal_mode=WAL;" + VERSION_1)
    connection.close()
    return path


def test_a_store_of_version_1_keeps_every_decision(version_1):
    store = LabelStore(version_1)
    assert [(d.item, d.verdict, d.decided_at) for d in store.history()] == [
        ("a", "label", "2025-01-01"),
        ("b", "unsure", "2025-01-03"),
        ("a", "undo", "2025-01-04"),
    ]
    store.add([decision("a", None, verdict="marks", present=("fox",))])
    assert list(LabelStore(version_1).current()) == ["b", "a"]
    connection = sqlite3.connect(version_1)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM decisions")
    connection.close()


def test_an_upgrade_that_fails_leaves_the_old_store(version_1, monkeypatch):
    def fail(*_):
        raise FieldmarkError("out of luck")

    with monkeypatch.context() as patch:
        patch.setattr("classification.labelling.store_schema._guards", fail)
        with pytest.raises(FieldmarkError, match="out of luck"):
            LabelStore(version_1)
    connection = sqlite3.connect(version_1)
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert names == {"decisions", "decisions_of_item", "no_update", "no_delete"}
    connection.close()
    assert len(LabelStore(version_1).history()) == 3


def test_a_store_of_a_later_version_is_refused(tmp_path):
    LabelStore(tmp_path / "labels.db")
    connection = sqlite3.connect(tmp_path / "labels.db")
    with connection:
        connection.execute("UPDATE label_store SET version = 99")
    connection.close()
    with pytest.raises(FieldmarkError, match="version 99"):
        LabelStore(tmp_path / "labels.db")


def _write_until_killed(address, connection):
    store = LabelStore(address, keep_open=True)
    for number in range(10_000):
        store.add([decision(f"item{number}")])
        connection.send(number)


def test_acknowledged_decisions_survive_a_kill(address):
    receiver, sender = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=_write_until_killed, args=(address, sender))
    process.start()
    sender.close()
    while (acknowledged := receiver.recv()) < 25:
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    receiver.close()
    history = [d.item for d in LabelStore(address).history()]
    assert {f"item{n}" for n in range(acknowledged + 1)} <= set(history)
    assert len(set(history)) == len(history) <= 10_000


def test_a_new_store_may_be_opened_by_many_at_once(address):
    """The tables are made once, and every writer gets a turn."""
    failures, start = [], threading.Barrier(6)

    def work(number):
        start.wait()
        try:
            store = LabelStore(address)
            for i in range(5):
                store.add([decision(f"{number}-{i}", annotator=f"a{number}")])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(LabelStore(address).current()) == 30


STEPS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["ann", "ben"]),
        st.sampled_from(["fox", "deer", "undo", "skip"]),
    ),
    max_size=12,
)


@given(STEPS)
def test_current_is_the_last_answer_that_stands(steps):
    made = [
        decision(item, None, verdict=what, annotator=who)
        if what in ("undo", "skip")
        else decision(item, what, annotator=who)
        for item, who, what in steps
    ]
    expected = {}
    for item in "ab":
        last = {d.annotator: (i, d) for i, d in enumerate(made) if d.item == item}
        stand = sorted((i, d) for i, d in last.values() if d.verdict != "undo")
        answers = [d for _, d in stand if d.verdict != "skip"] or [d for _, d in stand]
        if answers:
            expected[item] = answers[-1]
    assert current_decisions(made) == expected


def test_the_oracle_reveals_each_hidden_label_once(store):
    truth = {"a": "fox", "b": "deer"}
    assert answer(store, ["a", "b", "c"], truth, round_number=2) == 3
    assert answer(store, ["a", "b", "c"], truth, round_number=2) == 0
    current = store.current()
    assert (current["a"].label, current["a"].round, current["a"].source) == ("fox", 2, "oracle")
    assert current["c"].verdict == "unsure"


def test_what_came_since_a_mark(store):
    store.add([decision("a"), decision("b")])
    first, mark = store.since(0)
    store.add([decision("c")])
    later, newest = store.since(mark)
    assert [d.item for d in first] == ["a", "b"]
    assert [d.item for d in later] == ["c"]
    assert store.since(newest) == ([], newest)
