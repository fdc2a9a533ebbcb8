"""What runs in a training container: ``python -m classification.launch.container``.

It puts the channels where the configuration expects them, goes on from the newest checkpoint, plays
the rounds as any other machine would, and stores a snapshot of the run folder every few minutes,
after every round, and when SIGTERM announces that the machine will be taken away: then a training
first writes where it is. It ends when all rounds are played or labels are needed.
"""

import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from classification.config import RunConfig
from classification.errors import FieldmarkError
from classification.files import read_json, write_text
from classification.launch import Job
from classification.launch.request import nested
from classification.launch.snapshots import Snapshots
from classification.paths import CheckpointPaths, ContainerPaths, RunPaths
from classification.query.names import ALL_NAMES
from classification.settings import load_config

if TYPE_CHECKING:
    from classification.learning.stop import StopRequest
    from classification.learning.team import Team

_REASON = 1024  # characters of a failure that AWS shows
_STEP_SECONDS = 45.0  # for a step of training to end, of the 120 s between SIGTERM and SIGKILL


@dataclass(kw_only=True)
class Saver:
    """Stores snapshots, one at a time."""

    snapshots: Snapshots
    seconds: float
    """Between two snapshots; 0: only when asked."""
    stop: "StopRequest"
    """By which a training in progress learns that the machine goes."""
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def save(self) -> None:
        """Store what the run is now, and say so: the log shows that the job lives."""
        with self._turn:
            taken = self.snapshots.take()
        print(
            f"checkpoint {taken.number}: {taken.files} files, {taken.new_bytes / 1e6:.1f} MB new",
            flush=True,
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Save by time, and at SIGTERM, as long as the context lasts; once more at its end."""
        threading.Thread(target=self._at_sigterm, daemon=True).start()
        if self.seconds:
            threading.Thread(target=self._by_time, daemon=True).start()
        try:
            yield
        finally:
            self._over.set()
            self.save()

    def _at_sigterm(self) -> None:
        signal.sigwait({signal.SIGTERM})
        print("asked to end: saving", flush=True)
        try:
            self.stop.ask()
            if not self.stop.wait(_STEP_SECONDS):
                print("the step of training takes too long: the state before it counts", flush=True)
            self.save()
        except FieldmarkError as error:
            print(f"no checkpoint: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(128 + signal.SIGTERM)

    def _by_time(self) -> None:
        while not self._over.wait(self.seconds):
            try:
                self.save()
            except FieldmarkError as error:  # a full disk may have room again next time
                print(f"no checkpoint: {error}", file=sys.stderr, flush=True)


def main() -> int:
    """Run the job; 0 when it is done or needs labels, 1 when it failed."""
    # A handler would wait for the end of native code; a thread that waits for the signal does not.
    # First of all: the threads of other packages inherit this, and none of them may get it.
    if os.environ.get("RANK", "0") == "0":  # the others have nothing to save
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    ml = ContainerPaths(Path(os.environ.get("FIELDMARK_ML", "/opt/ml")))
    try:
        _run(ml)
    except BaseException as error:  # whatever it is, AWS shows the text of this file
        user_error = isinstance(error, FieldmarkError)
        if not user_error:
            traceback.print_exc()
        reason = str(error) if user_error else "".join(traceback.format_exception(error))
        print(f"error: {error}", file=sys.stderr, flush=True)
        write_text(ml.failure, reason[:_REASON] if user_error else reason[-_REASON:])
        return 1
    return 0


def _run(ml: ContainerPaths) -> None:
    # torch and all: a machine without them fails here, with a reason
    from classification.launch.ending import helping
    from classification.launch.here import help_here
    from classification.launch.workspace import lay_out, project
    from classification.learning.team import end_process, joined

    config = read_config(ml)
    job = Job(config=config, run=Path("runs") / os.environ["FIELDMARK_RUN"], resume=True)
    with joined() as team:
        if team.local_rank == 0:
            lay_out(ml, config)
        team.wait()
        os.chdir(project(ml, config))
        if team.rank == 0:
            _lead(ml, job, team)
        else:
            with helping():
                help_here(job, team)
    end_process(team)


def _lead(ml: ContainerPaths, job: Job, team: "Team") -> None:
    from classification.launch.here import run_here
    from classification.launch.restore import Folder, restore
    from classification.learning.stop import StopRequest

    run = RunPaths(job.run)
    number = restore(Folder(ml.checkpoints), run)
    print(f"going on from checkpoint {number}" if number else "no checkpoint: from the start")
    _take_labels(ml, run)
    shutil.copyfile(ml.work / run.config.name, run.config)
    saver = Saver(
        snapshots=Snapshots(run=run, store=CheckpointPaths(ml.checkpoints)),
        seconds=60 * float(os.environ.get("FIELDMARK_CHECKPOINT_MINUTES", "5")),
        stop=StopRequest(),
    )
    with saver.running():
        run_here(job, team=team, on_round=saver.save, stop=saver.stop)
    if run.export.is_dir():
        shutil.copytree(run.export, ml.model, dirs_exist_ok=True)


def read_config(ml: ContainerPaths) -> RunConfig:
    """The configuration out of the hyperparameters, checked as any other.

    Raises:
        FieldmarkError: a field is unknown or wrong.
    """
    values = nested(read_json(ml.hyperparameters, what="hyperparameters"))
    path = ml.work / RunPaths(Path()).config
    write_text(path, yaml.safe_dump(values, sort_keys=False))
    return load_config(path, strategies=ALL_NAMES)


def _take_labels(ml: ContainerPaths, run: RunPaths) -> None:
    """Add the decisions that people made since the checkpoint."""
    from classification.labelling.store import LabelStore
    from classification.launch.ledgers import merge_ledger

    sent = ml.channel("labels") / run.labels.name
    run.root.mkdir(parents=True, exist_ok=True)
    if sent.exists():
        print(f"{merge_ledger(LabelStore(run.labels), sent)} new label decisions")


if __name__ == "__main__":
    sys.exit(main())
