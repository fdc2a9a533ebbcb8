import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from classification.app.page import App
from classification.app.pictures import Pictures
from classification.app.work_folder import WorkFolder, remove_left_over

APP = """
import numpy as np
from classification.app.work_folder import WorkFolder

work = WorkFolder()
step = work.next_step().root
step.mkdir()
print(step.parent, flush=True)
input()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of this process and those it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def start_app(temporary):
    """Start an app in a process of its own: the process, and its folder."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", APP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process, Path(process.stdout.readline().strip())

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_what_a_killed_app_left_is_gone_at_the_next_start_and_a_living_one_keeps_its_own(
    start_app, make_state
):
    killed, left = start_app()
    living, kept = start_app()
    killed.kill()
    killed.wait()
    assert left.is_dir()
    state = make_state()
    App(state=state, pictures=Pictures(state.items))
    assert not left.exists()
    assert (kept / "step_1").is_dir()
    living.communicate("\n")
    assert living.returncode == 0
    assert not kept.exists()  # it ended by itself


def test_folders_that_may_be_anybodys_stay(temporary):
    for name in ("fieldmark-a", "fieldmark-b", "other-c"):
        (temporary / name / "step_1").mkdir(parents=True)
    (temporary / "other-c" / "lock").touch()
    (temporary / "fieldmark-d").mkdir()  # of an app that is about to take its lock
    (temporary / "fieldmark-d" / "lock").touch()
    (temporary / "fieldmark-e").symlink_to(temporary / "other-c")
    (temporary / "fieldmark-f").touch()
    before = sorted(temporary.rglob("*"))
    remove_left_over()
    assert sorted(temporary.rglob("*")) == before


def test_apps_of_one_process_have_folders_of_their_own_and_take_them_along(temporary):
    first, second = WorkFolder(), WorkFolder()
    inputs = np.zeros((2, 2))
    one, two = first.shared(inputs).root.parent, second.shared(inputs).root.parent
    (one / "step_1").mkdir()
    assert one != two
    remove_left_over()
    assert {one, two} == set(temporary.iterdir())
    assert first.shared(inputs) == first.shared(inputs) != first.shared(inputs.copy())
    del first
    assert {two} == set(temporary.iterdir())
    shutil.rmtree(two)
    del second  # what is gone already is no problem
    assert not list(temporary.iterdir())
