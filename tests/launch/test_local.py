"""Detached jobs on this machine: real processes, a tiny dataset."""

import json
import os
import signal
import time

import pytest

from classification.errors import FieldmarkError
from classification.files import write_json
from classification.launch import Job, JobState, Start
from classification.launch.local import LocalLauncher
from classification.launch.records import all_jobs, config_of, find_job, jobs_of, new_name
from classification.launch.start import resume
from classification.launch.watch import EXIT, Watch
from classification.paths import RunPaths
from classification.query.names import STRATEGY_NAMES
from classification.settings import load_config
from tests.launch.fakes import record
from tests.tiny import Tiny, make_tiny, write_config

LAUNCHER = LocalLauncher()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_tiny(tmp_path_factory.mktemp("tiny")).data


@pytest.fixture
def tiny(data, tmp_path):
    made = Tiny(data=data, run=RunPaths(tmp_path / "runs" / "test" / "tiny"))
    write_config(made)
    return made


def submit(tiny, **fields):
    if fields:
        write_config(tiny, **fields)
    config = load_config(tiny.run.config, strategies=STRATEGY_NAMES)
    found = LAUNCHER.submit(Job(config=config, run=tiny.run.root, resume=True, detach=True))
    assert found is not None
    return found


def wait(job):
    return Watch(launcher=LAUNCHER, record=job, poll=0.1, stall_seconds=300).wait()


def until(condition):
    """Wait for the other process; the limit only keeps a broken test from hanging."""
    end = time.monotonic() + 900
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_detached_job_outlives_the_call_and_leaves_log_record_and_results(tiny, capfd):
    job = submit(tiny, rounds=1)
    assert job.name.startswith("test-tiny-")
    assert LAUNCHER.status(job).status in ("queued", "running")
    assert wait(job) == 0
    assert "round 1:" in capfd.readouterr().out
    assert tiny.run.complete_rounds() == [0, 1]
    state = LAUNCHER.status(job)
    assert state == JobState(status="completed", seconds=state.seconds)
    assert find_job(job.name[:15], tiny.run.root.parents[1]) == job
    assert find_job(str(tiny.run.root), tiny.run.root) == job
    assert config_of(job).rounds == 1


def test_a_job_that_fails_says_why(tiny, capfd):
    job = submit(tiny, **{"data.dir": "nowhere"})
    assert wait(job) == EXIT["failed"]
    said = capfd.readouterr()
    assert "not found: nowhere" in LAUNCHER.status(job).reason
    assert "Traceback" not in said.out + said.err


def test_stopped_killed_and_resumed_it_ends_as_if_nothing_had_been(tiny):
    job = submit(tiny, rounds=40)
    until(lambda: tiny.run.complete_rounds())
    LAUNCHER.stop(job)
    assert wait(job) == EXIT["stopped"]
    LAUNCHER.stop(job)  # nothing left to stop
    assert resume(job, Start(follow=False)) == 0
    again = jobs_of(tiny.run.root)[-1]
    done = len(tiny.run.complete_rounds())
    until(lambda: len(tiny.run.complete_rounds()) > done)
    with pytest.raises(FieldmarkError, match="running; stop it first"):
        resume(again, Start(follow=False))
    with pytest.raises(FieldmarkError, match="another process is working"):
        submit(tiny)
    pid = json.loads(tiny.run.job(again.name).process.read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: LAUNCHER.status(again).ended)
    assert LAUNCHER.status(again).status == "interrupted"
    assert wait(again) == EXIT["interrupted"]
    assert len(all_jobs(tiny.run.root.parents[1])) == 2


def test_the_log_is_read_in_whole_lines(tmp_path):
    job = record(run=tmp_path)
    log = tmp_path / "jobs" / job.name / "log.txt"
    assert LAUNCHER.logs(job).lines == []
    log.parent.mkdir(parents=True)
    log.write_bytes(b"one\ntw")
    page = LAUNCHER.logs(job)
    assert page.lines == ["one"]
    log.write_bytes(b"one\ntwo\n")
    page = LAUNCHER.logs(job, page.cursor)
    assert page.lines == ["two"]
    assert LAUNCHER.logs(job, page.cursor).lines == []


def test_names_are_unique_within_a_second_and_fit_everywhere(tmp_path):
    run = tmp_path / ("a model_with__many" * 4) / "Æxperiment 1"
    names = {new_name(run) for _ in range(50)}
    assert len(names) == 50
    assert all(len(n) <= 63 and n.replace("-", "").isalnum() and n.isascii() for n in names)
    assert new_name(tmp_path / "…" / "…").startswith("run-")


def test_an_unknown_or_ambiguous_job_is_answered_with_what_there_is(tmp_path):
    for name in ("a-1", "a-2"):
        write_json(
            tmp_path / "m" / "e" / "jobs" / name / "job.json",
            {"name": name, "backend": "local", "created": "2026-01-01T00:00:00+00:00"},
        )
    with pytest.raises(FieldmarkError, match=r"no job is called 'b'.*a-1, a-2"):
        find_job("b", tmp_path)
    with pytest.raises(FieldmarkError, match="2 jobs are called 'a-'"):
        find_job("a-", tmp_path)
    assert find_job("a-2", tmp_path).name == "a-2"
    assert find_job(str(tmp_path / "m" / "e"), tmp_path).name == "a-2"
