"""Snapshots: what arrives whole can be gone on from, whatever else arrived in pieces."""

import json
import os
import pathlib
import sqlite3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.labelling.store import Decision, LabelStore
from classification.launch import Job, snapshots
from classification.launch.here import run_here
from classification.launch.restore import Folder, restore
from classification.launch.snapshots import Snapshots
from classification.paths import CheckpointPaths, EmbeddingPaths, RunPaths
from classification.query.names import STRATEGY_NAMES
from classification.settings import load_config
from tests.tiny import make_tiny


@pytest.fixture
def run(tmp_path):
    made = RunPaths(tmp_path / "runs" / "m" / "e")
    write_round(made, 0)
    return made


@pytest.fixture
def store(tmp_path):
    return CheckpointPaths(tmp_path / "checkpoints")


def write_round(run, number):
    paths = run.round(number)
    paths.root.mkdir(parents=True)
    paths.query.write_text(f"path\nitem {number}\n")
    paths.head.write_bytes(bytes([number]) * 100)
    paths.metrics.write_text(json.dumps({"round": number}))


def content(run):
    return {
        path.relative_to(run.root).as_posix(): path.read_bytes()
        for path in sorted(run.root.rglob("*"))
        if path.is_file()
    }


def take(run, store):
    return Snapshots(run=run, store=store).take()


def test_a_run_is_the_same_elsewhere_but_for_what_belongs_to_this_machine(run, store, tmp_path):
    before = content(run)
    for path in (run.lock, run.config, run.job("x").log, run.previous / "1" / "report.html"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("stays here")
    (run.rounds / "00" / ".query.csv.1.tmp").write_text("half")
    taken = take(run, store)
    there = RunPaths(tmp_path / "there" / "m" / "e")
    assert restore(Folder(store.root), there) == taken.number == 1
    assert content(there) == before
    assert taken.files == len(before)


def test_of_a_training_the_newest_state_travels(run, store, tmp_path):
    """The one before is in the snapshot before: it would double what `pull` brings."""
    checkpoint = run.checkpoint("abc")
    checkpoint.parent.mkdir()
    run.unfinished(checkpoint).write_bytes(b"newest")
    run.unfinished_before(checkpoint).write_bytes(b"before")
    take(run, store)
    there = RunPaths(tmp_path / "there" / "m" / "e")
    restore(Folder(store.root), there)
    assert [p.read_bytes() for p in there.checkpoints.iterdir()] == [b"newest"]


def test_only_what_changed_is_stored_again(run, store):
    made = Snapshots(run=run, store=store)
    assert made.take().new_bytes > 0
    assert made.take().new_bytes == 0
    write_round(run, 1)
    third = made.take()
    assert third.new_bytes == sum(p.stat().st_size for p in run.round(1).root.iterdir())
    assert take(run, store).new_bytes == 0  # another process knows nothing, but the store does


def test_a_growing_array_stores_its_new_end(run, store, monkeypatch):
    monkeypatch.setattr(snapshots, "PART", 1000)
    path = EmbeddingPaths(run.embeddings, "k").array
    path.parent.mkdir()
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    made = Snapshots(run=run, store=store)
    made.take()
    path.write_bytes(path.read_bytes()[:4000] + bytes(1000))
    assert made.take().new_bytes == 1000


def test_what_may_not_have_a_successor_in_s3_yet_stays(run, store):
    made = Snapshots(run=run, store=store)
    for number in range(5):
        run.report.write_text(f"report {number}")
        made.take()
    assert len(list(store.snapshots.iterdir())) == 5
    for path in sorted(store.snapshots.iterdir())[:3]:
        os.utime(path, (0, 0))
    made.take()
    assert sorted(p.stem for p in store.snapshots.iterdir()) == ["00000004", "00000005", "00000006"]


def test_old_snapshots_go_and_parts_still_in_use_stay(run, store, tmp_path):
    made = Snapshots(run=run, store=store, grace=0)
    for number in range(1, 7):
        run.report.write_text(f"report {number}")
        made.take()
    assert sorted(p.stem for p in store.snapshots.iterdir()) == ["00000004", "00000005", "00000006"]
    assert len(list(store.parts.iterdir())) == 3 + 3  # the round's files, and three reports
    there = RunPaths(tmp_path / "m" / "e")
    restore(Folder(store.root), there)
    assert there.report.read_text() == "report 6"


@pytest.mark.parametrize("fault", ["part missing", "part cut", "part damaged", "list cut"])
def test_a_snapshot_that_did_not_arrive_whole_gives_way_to_the_one_before(
    run, store, tmp_path, fault
):
    made = Snapshots(run=run, store=store)
    made.take()
    before = {path.name for path in store.parts.iterdir()}
    write_round(run, 1)
    made.take()
    new = next(p for p in sorted(store.parts.iterdir()) if p.name not in before)
    if fault == "part missing":
        new.unlink()
    elif fault == "part cut":
        new.write_bytes(new.read_bytes()[:-1])
    elif fault == "part damaged":
        new.write_bytes(new.read_bytes()[:-1] + b"?")
    else:
        store.snapshot(2).write_text(store.snapshot(2).read_text()[:50])
    there = RunPaths(tmp_path / "m" / "e")
    assert restore(Folder(store.root), there) == 1
    assert there.complete_rounds() == [0]
    assert not there.round(1).root.exists() or not list(there.round(1).root.iterdir())


def test_without_any_whole_snapshot_it_says_so_instead_of_starting_again(run, store, tmp_path):
    take(run, store)
    first = sorted(store.parts.iterdir())
    first[0].unlink()
    # the very first one is still on its way: nothing is lost by starting
    assert restore(Folder(store.root), RunPaths(tmp_path / "m" / "e")) is None
    take(run, store)
    for path in store.parts.iterdir():
        path.unlink()
    with pytest.raises(FieldmarkError, match=r"no checkpoint of .* is whole"):
        restore(Folder(store.root), RunPaths(tmp_path / "m" / "e"))
    assert restore(Folder(tmp_path / "nothing"), RunPaths(tmp_path / "m" / "e")) is None


def test_a_snapshot_never_writes_outside_the_run_folder(run, store, tmp_path):
    Snapshots(run=run, store=store).take(number=5)
    entries = json.loads(store.snapshot(5).read_text())
    entries[0]["path"] = "../../escaped"
    store.snapshot(5).write_text(json.dumps(entries))
    with pytest.raises(FieldmarkError, match="leaves the run folder"):
        restore(Folder(store.root), RunPaths(tmp_path / "m" / "e"))


def test_a_round_that_ends_while_files_are_listed_is_not_vouched_for(run, store, monkeypatch):
    """metrics.json appears after the list of sealed rounds was made."""
    listed = snapshots._existing

    def then_a_round_ends(root, patterns):
        found = listed(root, patterns)
        write_round(run, 1)
        return found

    monkeypatch.setattr(snapshots, "_existing", then_a_round_ends)
    take(run, store)
    names = {entry["path"] for entry in json.loads(store.snapshot(1).read_text())}
    assert "rounds/01/query.csv" in names
    assert "rounds/01/metrics.json" not in names
    assert "rounds/00/metrics.json" in names


def test_the_ledger_is_copied_whole_while_it_is_open(run, store, tmp_path):
    labels = LabelStore(run.labels)
    answer = {"verdict": "label", "label": "fox", "annotator": "a", "source": "app", "round": 0}
    labels.add([Decision(item="one", **answer)])
    reader = sqlite3.connect(run.labels)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM decisions").fetchall()
    labels.add([Decision(item="two", **answer)])  # is in the write-ahead log only
    take(run, store)
    reader.close()
    there = RunPaths(tmp_path / "m" / "e")
    restore(Folder(store.root), there)
    assert list(LabelStore(there.labels).current()) == ["one", "two"]


@given(st.dictionaries(st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3})?", fullmatch=True), st.binary()))
def test_any_files_come_back_as_they_were(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("any")
    run = RunPaths(folder / "m" / "e")
    for name, data in files.items():
        path = run.checkpoints / name
        if not any(parent.is_file() for parent in path.parents) and not path.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    store = CheckpointPaths(folder / "checkpoints")
    take(run, store)
    there = RunPaths(folder / "there" / "e")
    restore(Folder(store.root), there)
    assert content(there) == content(run)


def decided(run):
    """All that a run decided: metrics without times, queries, labels, weights."""
    rounds = []
    for number in run.complete_rounds():
        paths = run.round(number)
        metrics = json.loads(paths.metrics.read_text())
        del metrics["seconds"]
        head = paths.head.read_bytes() if paths.head.exists() else None
        rounds.append((metrics, paths.query.read_text(), paths.train.read_text(), head))
    return rounds, {k: d.label for k, d in LabelStore(run.labels).current().items()}


def test_from_a_snapshot_of_any_phase_a_run_ends_the_same(tmp_path, monkeypatch):
    """A snapshot before every file that the run puts in place; from some, the run is played on."""
    tiny = make_tiny(tmp_path, rounds=1)
    config = load_config(tiny.run.config, strategies=STRATEGY_NAMES)
    stores, rename, busy = [], pathlib.Path.replace, [False]

    def snapshot_first(self, target):
        if not busy[0] and tiny.run.root in pathlib.Path(target).parents:
            busy[0] = True
            stores.append(CheckpointPaths(tmp_path / "stores" / str(len(stores))))
            take(tiny.run, stores[-1])
            busy[0] = False
        return rename(self, target)

    monkeypatch.setattr(pathlib.Path, "replace", snapshot_first)
    run_here(Job(config=config, run=tiny.run.root, resume=True))
    monkeypatch.undo()
    wanted = decided(tiny.run)
    assert len(stores) > 15
    for number in range(0, len(stores), 4):
        there = RunPaths(tmp_path / f"there {number}" / "e")
        restore(Folder(stores[number].root), there)
        done = there.complete_rounds()
        run_here(Job(config=config, run=there.root, resume=True))
        assert decided(there) == wanted, f"from snapshot {number} with rounds {done}"
