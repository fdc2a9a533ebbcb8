"""The main job: resumable, repeatable, and clear about what it cannot do."""

import json
import multiprocessing
import os
import pathlib
import signal

import numpy as np
import pandas as pd
import pytest

from classification.labelling.store import LabelStore
from classification.launch import Job
from classification.launch.local import LocalLauncher
from classification.query.names import STRATEGY_NAMES
from classification.settings import Override, load_config
from tests import tiny as tiny_module
from tests.tiny import make_tiny, write_config

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["classification.launch.local", "timm", "sklearn.linear_model"])


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


@pytest.mark.parametrize("write", [1, 6, 10, 14, 18, 22])
def test_killed_once_at_a_given_write(tiny, uninterrupted, write):
    assert _in_child(tiny, write) == -signal.SIGKILL
    assert _in_child(tiny, -1) == 0
    assert results(tiny.run) == uninterrupted
