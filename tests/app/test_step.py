import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from classification.app.step import Listener, Step, Task, file_of, load_array
from classification.paths.app_jobs import StepPaths
from classification.threads import cores

LONG = 120  # seconds that nothing here takes, on any machine


@pytest.fixture
def begin(tmp_path):
    """Starts a function of `steps`; gives the step, what it told, and an event per message."""

    def start(name, *, rows=3, **order):
        said, heard, ended = [], threading.Event(), threading.Event()

        def hear(message):
            said.append(message)
            heard.set()

        task = Task(
            function=f"tests.app.steps:{name}",
            inputs=np.arange(rows, dtype=np.float32),
            inputs_file=tmp_path / "inputs.npy",
            order=order,
            arrays={"offset": np.float32([0.5])},
        )
        listener = Listener(heard=hear, ended=lambda _: ended.set())
        step = Step(StepPaths(tmp_path / "step_1"), task, listener)
        return step, said, heard, ended

    return start


def test_arrays_and_orders_go_in_and_messages_and_arrays_come_out(begin):
    step, said, _, ended = begin("double", times=2)
    step.wait()
    assert ended.is_set()
    assert (step.end, step.problem, step.result) == ("done", "", {"rows": 3})
    assert said == [{"times": 2}]
    assert load_array(step.paths, "twice").tolist() == [0.5, 2.5, 4.5]
    assert "chatty" in step.paths.errors.read_text()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("refuse", "too few labels; label more"),
        ("crash", "ZeroDivisionError: integer division or modulo by zero\nin steps.py, line"),
        ("quit_early", "ended with code 7. out of patience"),
        ("missing", "AttributeError"),
    ],
)
def test_why_it_failed_is_told(begin, name, told):
    step, *_, ended = begin(name)
    step.wait()
    assert ended.is_set()
    assert step.end == "failed"
    assert told in step.problem


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_process_that_was_killed_is_told_as_such(begin):
    step, *_ = begin("die")
    step.wait()
    assert step.end == "failed"
    assert "lack of memory" in step.problem


def test_asked_to_stop_it_gives_what_it_has(begin):
    step, _, heard, _ = begin("count")
    assert heard.wait(LONG)
    step.stop()
    step.wait()
    assert (step.end, step.result) == ("stopped", {"counted": True})


def test_what_does_not_look_is_ended(begin):
    step, _, heard, _ = begin("hang")
    assert heard.wait(LONG)
    step.stop()
    step.wait()
    assert (step.end, step.problem, step.result) == ("stopped", "", {})


def test_stopped_before_it_began_it_never_begins(begin):
    step, said, *_ = begin("hang")
    step.stop()
    step.stop()
    step.wait()
    assert step.end == "stopped"
    assert not said


def test_a_folder_that_cannot_be_written_is_told(begin, tmp_path):
    (tmp_path / "step_1").write_text("in the way")
    step, *_ = begin("double", times=1)
    step.wait()
    assert step.end == "failed"
    assert step.problem


@pytest.mark.skipif(os.name == "nt", reason="process ids")
def test_it_ends_with_the_app_however_that_ends(tmp_path):
    """The app is killed; the process that it started sees its pipe close."""
    code = f"""
import numpy as np, os, pathlib, threading
from classification.app.step import Listener, Step, Task
from classification.paths.app_jobs import StepPaths
folder = pathlib.Path({str(tmp_path)!r})
heard = threading.Event()
task = Task(function="tests.app.steps:hang", inputs=np.zeros(1), inputs_file=folder / "in.npy",
            order={{}}, arrays={{}})
step = Step(StepPaths(folder / "step"), task, Listener(heard=lambda _: heard.set(), ended=print))
heard.wait()
print(step._process.pid, flush=True)
os._exit(9)
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=LONG)
    pid = int(done.stdout)
    until = time.monotonic() + LONG
    while _lives(pid):
        assert time.monotonic() < until


def _lives(pid):
    """Neither gone nor waiting to be buried."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_an_array_with_a_file_of_its_own_is_not_copied(tmp_path):
    whole = np.arange(60, dtype=np.float16).reshape(20, 3)
    np.save(tmp_path / "own.npy", whole)
    mapped = np.load(tmp_path / "own.npy", mmap_mode="r")
    copy = tmp_path / "copy.npy"
    assert file_of(mapped, copy) == (tmp_path / "own.npy").resolve()
    for part in (mapped[:10], mapped[::2], mapped[::-1], mapped.astype(np.float32)):
        copy.unlink(missing_ok=True)
        assert file_of(part, copy) == copy
        assert np.array_equal(np.load(copy), part)


def test_a_core_is_left_to_the_app(begin):
    from classification.app.step import _environment

    assert int(_environment()["OMP_NUM_THREADS"]) == max(1, cores() - 1)
