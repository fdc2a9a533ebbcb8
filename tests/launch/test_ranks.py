"""Runs by several processes of this machine."""

import pytest

from classification.errors import FieldmarkError
from classification.launch import Job
from classification.launch.ranks import run_local
from classification.paths import RunPaths
from classification.query.names import STRATEGY_NAMES
from classification.round_labels import read_query
from classification.settings import load_config
from tests.tiny import Tiny, make_tiny, write_config


def job(tiny, **fields):
    write_config(tiny, **fields)
    config = load_config(tiny.run.config, strategies=STRATEGY_NAMES)
    return Job(config=config, run=tiny.run.root, resume=True)


def test_two_processes_ask_for_what_one_asks_for(tmp_path):
    one = make_tiny(tmp_path)
    assert run_local(job(one, rounds=1)).finished
    two = Tiny(data=one.data, run=RunPaths(tmp_path / "runs" / "test" / "two"))
    outcome = run_local(job(two, rounds=1, **{"launch.processes": 2}))
    assert (outcome.completed, outcome.finished) == (1, True)
    for number in (0, 1):
        assert read_query(two.run.round(number)) == read_query(one.run.round(number))
    assert two.run.report.exists()
    assert sorted(p.name for p in two.run.export.iterdir()) == sorted(
        p.name for p in one.run.export.iterdir()
    )


def test_what_a_helper_cannot_do_is_the_runs_error(tmp_path):
    tiny = make_tiny(tmp_path)
    crops = sorted(tiny.data.crops.iterdir())
    crops[-1].unlink()  # in the share of the second process
    with pytest.raises(FieldmarkError, match=r"cannot be read.*crop_detections"):
        run_local(job(tiny, rounds=1, **{"launch.processes": 2}))


def test_an_error_of_the_leading_process_ends_the_others(tmp_path):
    tiny = make_tiny(tmp_path)
    with pytest.raises(FieldmarkError, match="not found: nowhere"):
        run_local(job(tiny, **{"launch.processes": 2, "data.dir": "nowhere"}))
