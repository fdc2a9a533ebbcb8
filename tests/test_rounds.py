"""The main job: resumable, repeatable, and clear about what it cannot do."""

import errno
import json
import multiprocessing
import os
import pathlib
import shutil
import signal

import filelock
import numpy as np
import pandas as pd
import pytest

from classification.errors import FieldmarkError
from classification.labelling.store import Decision, LabelStore
from classification.launch import Job
from classification.launch.local import LocalLauncher
from classification.query.names import STRATEGY_NAMES
from classification.settings import Override, load_config
from tests import tiny as tiny_module
from tests.tiny import make_tiny, write_config

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["classification.launch.here", "timm", "sklearn.linear_model"])


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """One dataset for the whole module; tests that change it make their own."""
    return make_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def tiny(template, tmp_path):
    """The shared dataset and a fresh run folder."""
    fresh = tiny_module.Tiny(
        data=template.data, run=type(template.run)(tmp_path / "runs" / "test" / "tiny")
    )
    write_config(fresh)
    return fresh


def play(tiny, *, resume=True, **overrides):
    options = [Override(key=key, text=str(value)) for key, value in overrides.items()]
    config = load_config(tiny.run.config, options, strategies=STRATEGY_NAMES)
    LocalLauncher().submit(Job(config=config, run=tiny.run.root, resume=resume))


def results(run):
    """Everything a run decided, without times."""
    found = {}
    for number in run.complete_rounds():
        paths = run.round(number)
        metrics = json.loads(paths.metrics.read_text())
        del metrics["seconds"]
        found[number] = {
            "metrics": metrics,
            "query": paths.query.read_text(),
            "train": paths.train.read_text(),
            "head": paths.head.read_bytes() if paths.head.exists() else None,
        }
    labels = {k: d.label for k, d in LabelStore(run.labels).current().items()}
    return found, labels


@pytest.fixture(scope="module")
def uninterrupted(template):
    play(template)
    return results(template.run)


def test_a_run_leaves_every_file_of_the_design(template, uninterrupted):
    run = template.run
    assert run.complete_rounds() == [0, 1, 2]
    for name in (
        "config",
        "provenance",
        "train",
        "head",
        "model",
        "predictions",
        "query",
        "metrics",
    ):
        assert getattr(run.round(2), name).exists(), name
    assert run.report.exists()
    assert (run.export / "model.safetensors").exists()
    predictions = pd.read_parquet(run.round(2).predictions)
    assert len(predictions) == 90
    assert np.allclose(predictions.filter(like="p_").sum(axis=1), 1, atol=1e-5)


def test_labels_grow_by_the_query_and_come_from_train_locations_only(template, uninterrupted):
    rounds, labels = uninterrupted
    assert [rounds[n]["metrics"]["num_labels"] for n in range(3)] == [0, 8, 14]
    table = pd.read_csv(template.data.table).set_index("path")
    assert len(labels) == 14  # the last query is asked for, not answered
    assert set(table.loc[list(labels), "location"]) <= {f"cam{i}" for i in range(4, 10)}
    assert all(table.loc[item, "label"] == label for item, label in labels.items())


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tiny, uninterrupted):
    play(tiny)
    assert results(tiny.run) == uninterrupted
    write_config(tiny, seed=1)
    play(tiny, resume=False)
    assert results(tiny.run) != uninterrupted


def test_a_finished_run_called_again_changes_nothing(template, uninterrupted):
    before = template.run.round(2).metrics.stat().st_mtime_ns
    play(template)
    assert template.run.round(2).metrics.stat().st_mtime_ns == before
    assert results(template.run) == uninterrupted


def test_more_rounds_go_on_from_a_finished_run(tiny):
    play(tiny, rounds=1)
    play(tiny, rounds=2)
    assert tiny.run.complete_rounds() == [0, 1, 2]


def _play_and_die(root, config, kill_before_rename):
    """Play the rounds; die by SIGKILL just before the n-th file would get its name."""
    renames = 0
    rename = pathlib.Path.replace

    def counted(self, target):
        nonlocal renames
        renames += 1
        if renames == kill_before_rename:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    pathlib.Path.replace = counted
    LocalLauncher().submit(Job(config=config, run=root, resume=True))


def _in_child(tiny, kill_before_rename):
    config = load_config(tiny.run.config, strategies=STRATEGY_NAMES)
    child = CONTEXT.Process(target=_play_and_die, args=(tiny.run.root, config, kill_before_rename))
    child.start()
    child.join(120)
    return child.exitcode


def test_killed_at_any_write_and_started_again_it_ends_the_same(tiny, uninterrupted):
    """One run through many lives, each a write longer than the last, until one gets through."""
    kills = 0
    while (code := _in_child(tiny, 3 + kills)) != 0:
        assert code == -signal.SIGKILL
        kills += 1
    assert kills >= 8
    assert results(tiny.run) == uninterrupted


@pytest.mark.parametrize("write", [1, 5, 9, 12, 15, 18, 21, 24])
def test_killed_once_at_a_given_write(tiny, uninterrupted, write):
    assert _in_child(tiny, write) == -signal.SIGKILL
    assert _in_child(tiny, -1) == 0
    assert results(tiny.run) == uninterrupted


def test_people_label_and_the_same_command_goes_on(tiny, capsys):
    write_config(tiny, **{"labels.source": "store", "rounds": 1})
    table = pd.read_csv(tiny.data.table)
    hidden = dict(zip(table["path"], table["label"], strict=True))
    tiny_module.hide_labels(tiny.data, tiny.run.root.parent / "data")
    write_config(
        tiny,
        **{"labels.source": "store", "rounds": 1, "data.dir": str(tiny.run.root.parent / "data")},
    )
    play(tiny)
    assert tiny.run.complete_rounds() == [0]
    assert "waiting for 8 labels" in capsys.readouterr().out

    query = pd.read_csv(tiny.run.round(0).query)["path"].tolist()
    store = LabelStore(tiny.run.labels)
    store.add(_by_hand(item, hidden[item]) for item in query[:5])
    play(tiny)  # half an answer is kept and the rest is asked for again
    assert tiny.run.complete_rounds() == [0]
    assert "waiting for 3 labels" in capsys.readouterr().out

    store.add([_by_hand(query[5], None)])
    store.add(_by_hand(item, hidden[item]) for item in query[6:])
    play(tiny)
    assert tiny.run.complete_rounds() == [0, 1]
    train = pd.read_csv(tiny.run.round(1).train)
    assert set(train["path"]) == set(query) - {query[5]}  # unsure is no label
    assert set(train["annotator"]) == {"ann"}
    asked = set(pd.read_csv(tiny.run.round(1).query)["path"])
    assert query[5] not in asked  # and is not asked again


def _by_hand(item, label):
    return Decision(
        item=item,
        verdict="label" if label else "unsure",
        label=label,
        annotator="ann",
        source="app",
        round=0,
    )


def test_a_half_annotated_archive_starts_with_its_labels(tiny):
    folder = tiny.run.root.parent / "data"
    tiny_module.hide_labels(tiny.data, folder, keep=20)
    write_config(tiny, **{"labels.source": "store", "data.dir": str(folder)})
    play(tiny)
    record = json.loads(tiny.run.round(0).metrics.read_text())
    assert record["num_labels"] == 20
    assert record["test"]["accuracy"] > 0
    assert record["strategy"] == "auto"


def test_labels_that_are_no_class_are_listed(tiny):
    folder = tiny.run.root.parent / "data"
    tiny_module.hide_labels(tiny.data, folder)
    write_config(tiny, **{"labels.source": "store", "data.dir": str(folder)})
    play(tiny)
    query = pd.read_csv(tiny.run.round(0).query)["path"].tolist()
    LabelStore(tiny.run.labels).add(_by_hand(item, "Wolf") for item in query)
    with pytest.raises(FieldmarkError, match=r"(?s)cat, deer, fox.*'Wolf': 8 items, such as cam"):
        play(tiny)
    assert tiny.run.complete_rounds() == [0]


def test_the_run_ends_when_the_pool_is_empty(tiny, capsys):
    play(
        tiny,
        **{
            "rounds": 9,
            "query.size": 40,
            "finetune.epochs": 0,
            "backbone.weights": weights_file(tiny),
        },
    )
    rounds = tiny.run.complete_rounds()
    last = json.loads(tiny.run.round(rounds[-1]).metrics.read_text())
    assert (last["num_labels"], last["num_queries"]) == (54, 0)
    assert len(rounds) == 4  # 0, 8, 48 and all 54 labels


def weights_file(tiny):
    """Weights of the test backbone in a file, as a frozen backbone needs them."""
    from classification.learning.backbones import build_backbone, write_weights

    path = tiny.run.root.parent / "weights.safetensors"
    write_weights(path, build_backbone(tiny_module.BACKBONE, "none", seed=0).state_dict())
    return path


def test_two_processes_do_not_share_a_run_folder(tiny):
    with (
        filelock.FileLock(tiny.run.lock),
        pytest.raises(FieldmarkError, match="another process is working"),
    ):
        play(tiny)


def test_a_run_does_not_go_on_with_other_data_or_settings(tiny):
    play(tiny, rounds=0)
    with pytest.raises(FieldmarkError, match=r"(?s)--no-resume.*seed: was 0, now 5"):
        play(tiny, seed=5)
    other = tiny_module.make_dataset(tiny.run.root.parent / "other", per_location=10)
    with pytest.raises(FieldmarkError, match=r"(?s)table of the dataset is another one"):
        play(tiny, **{"data.dir": other.root})
    play(tiny, seed=5, resume=False)
    assert [p.name for p in next(tiny.run.previous.iterdir()).iterdir() if p.name == "rounds"]


def test_no_resume_never_sets_peoples_labels_aside(tiny):
    write_config(tiny, **{"labels.source": "store"})
    LabelStore(tiny.run.labels).add([_by_hand("x", "fox")])
    with pytest.raises(FieldmarkError, match="would set aside the labels people gave"):
        play(tiny, resume=False)
    assert "x" in LabelStore(tiny.run.labels).current()


@pytest.mark.parametrize("full_at", ["metrics.json", "query.csv", "backbone", "train.csv"])
def test_a_full_disk_is_named_and_the_run_goes_on_afterwards(
    tiny, uninterrupted, monkeypatch, full_at
):
    rename = pathlib.Path.replace

    def full(self, target):
        if full_at in str(target):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(pathlib.Path, "replace", full)
        with pytest.raises(FieldmarkError, match=r"(?s)No space left.*make room.*run the same"):
            play(tiny)
    assert not list(tiny.run.root.rglob("*.tmp"))
    play(tiny)
    assert results(tiny.run) == uninterrupted


def test_a_truncated_crop_and_a_corrupt_checkpoint_are_named(tiny, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(tiny.data.root, data)
    victim = next((data / "crops").iterdir())
    victim.write_bytes(victim.read_bytes()[:200])
    with pytest.raises(FieldmarkError, match=f"(?s){victim.name}.*truncated|unreadable.*again"):
        play(tiny, **{"data.dir": data})
    play(tiny, resume=False, rounds=1)
    checkpoint = next(tiny.run.checkpoints.iterdir())
    checkpoint.write_bytes(b"\0" * 1000)
    with pytest.raises(FieldmarkError, match=r"(?s)weights cannot be read: .*backbone_.*corrupt"):
        play(tiny)
