"""Processes that play a comparison, when they or the one that started them are killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from classification.comparison.build import make_entrants
from classification.comparison.grid import play_grid
from classification.comparison.play import Protocol
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths
from tests.comparison.tasks import make_task

OWN = """
import os, signal, time
from pathlib import Path

def sleeps(pool, n, rng):
    Path(__file__).with_name("pid").write_text(str(os.getpid()))
    time.sleep(600)

def dies(pool, n, rng):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def play(folder, name):
    (folder / "own.py").write_text(OWN)
    task = make_task(120)
    play_grid(
        [task],
        make_entrants([f"{folder / 'own.py'}:{name}"], per_group=0),
        protocols={task.title: Protocol(start=6, batch=6, rounds=1)},
        seeds=[0],
        paths=ComparisonPaths(folder / "out"),
        processes=1,
    )


def wait_for(condition):
    """Until it holds; five minutes are more than any machine needs."""
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_process_that_is_killed_is_told_in_words(tmp_path):
    with pytest.raises(FieldmarkError, match=r"one of 1 processes was killed.* fewer --processes"):
        play(tmp_path, "dies")
    assert ComparisonPaths(tmp_path / "out").cell("made", "random", 0).exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_nothing_goes_on_when_the_comparison_is_killed(tmp_path):
    root = Path(__file__).resolve().parents[2]
    line = (
        "from pathlib import Path; from tests.comparison.test_cells import play; "
        f"play(Path({str(tmp_path)!r}), 'sleeps')"
    )
    started = subprocess.Popen([sys.executable, "-c", line], cwd=root, env=os.environ)
    try:
        wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        pid = int((tmp_path / "pid").read_text())
        assert is_running(pid)
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
    wait_for(lambda: not is_running(pid))
