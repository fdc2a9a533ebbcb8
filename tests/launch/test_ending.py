"""SIGTERM: a training writes where it is before its process goes."""

import os
import signal
import subprocess
import sys

import pytest

from classification.launch import Job
from classification.launch.ending import helping, orderly
from classification.launch.ranks import run_local
from classification.learning.trainer import Trainer
from classification.paths import RunPaths
from classification.query.names import STRATEGY_NAMES
from classification.settings import load_config
from tests.tiny import Tiny, make_tiny, write_config

# the 8 labels of round 1 are two batches of 4, so the 7th step is the first of the fourth epoch
FIELDS = {"rounds": 1, "finetune.epochs": 6, "finetune.batch_size": 4, "launch.save_minutes": 600}


def job(tiny):
    config = load_config(tiny.run.config, strategies=STRATEGY_NAMES)
    return Job(config=config, run=tiny.run.root, resume=True)


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def steps(monkeypatch):
    """Count the steps of trainings; at the one that is asked for comes SIGTERM."""
    counted, step = {"made": 0, "last": 0}, Trainer._step

    def counting(self, *args):
        counted["made"] += 1
        if counted["made"] == counted["last"]:
            terminate()
        return step(self, *args)

    monkeypatch.setattr(Trainer, "_step", counting)
    return counted


def test_a_run_that_is_stopped_while_it_trains_goes_on_after_that_step(tmp_path, steps):
    whole = make_tiny(tmp_path, **FIELDS)
    run_local(job(whole))
    assert steps["made"] == 12
    stopped = Tiny(data=whole.data, run=RunPaths(tmp_path / "runs" / "test" / "stopped"))
    write_config(stopped, **FIELDS)
    steps.update(made=0, last=7)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        run_local(job(stopped))
    assert end.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == before
    assert [p.name.split(".", 1)[1] for p in stopped.run.checkpoints.iterdir()] == ["unfinished.pt"]
    steps.update(made=0, last=0)
    run_local(job(stopped))
    assert steps["made"] == 12 - 7
    kept = [
        {path.name: path.read_bytes() for path in tiny.run.checkpoints.iterdir()}
        for tiny in (whole, stopped)
    ]
    assert kept[0] == kept[1]


def within(context, *doings):
    """What happens in a context, one after the other."""
    with context as given:
        for do in doings:
            do(given)


def broken(given):
    raise RuntimeError("Connection closed by peer")


def train(*doings):
    """As `within`, while the backbone is being trained."""
    return lambda stop: within(stop.training(), *(lambda _, do=do: do(stop) for do in doings))


def test_sigterm_ends_a_run_at_once_but_for_a_training_which_the_second_one_ends_too():
    done = []
    steps = [lambda _: terminate(), lambda stop: done.append(stop.asked)]
    with pytest.raises(SystemExit):
        within(orderly(), *steps)
    assert done == []
    with pytest.raises(SystemExit):
        within(orderly(), train(*steps, *steps))
    assert done == [True]


def test_what_a_helper_that_has_left_breaks_is_no_error_of_the_run():
    with pytest.raises(SystemExit):
        within(orderly(), train(lambda _: terminate(), broken))
    with pytest.raises(RuntimeError):
        within(orderly(), train(broken))


def test_a_helper_outlives_the_signal_and_then_ends_without_a_word(monkeypatch):
    ends = []
    monkeypatch.setattr(os, "_exit", ends.append)  # this one returns
    with pytest.raises(RuntimeError):
        within(helping(), broken)
    assert ends == []
    with pytest.raises(RuntimeError):
        within(helping(), lambda _: terminate(), lambda _: ends.append("alive"), broken)
    assert ends == ["alive", 143]


CONTAINER = """
import signal, time
from types import SimpleNamespace
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
from classification.launch.container import Saver
from classification.learning.stop import StopRequest

def take():
    print("taken when ready:", stop.ready, flush=True)
    return SimpleNamespace(number=1, files=0, new_bytes=0)

stop = StopRequest()
saver = Saver(snapshots=SimpleNamespace(take=take), seconds=0, stop=stop)
with saver.running(), stop.training():
    print("training", flush=True)
    while not stop.asked:
        time.sleep(0.01)
    print("state written", flush=True)
    stop.written()
    time.sleep(600)
"""


def test_a_container_saves_what_the_training_wrote_when_its_machine_goes():
    process = subprocess.Popen(
        [sys.executable, "-c", CONTAINER], stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "training\n"
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=600)
    assert said.splitlines()[:3] == [
        "asked to end: saving",
        "state written",
        "taken when ready: True",
    ]
    assert process.returncode == 143
