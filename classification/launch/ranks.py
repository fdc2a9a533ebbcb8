"""A run on this machine by one process or by several, which torchrun starts and ends together.

Each of them runs ``python -m classification.launch.ranks FOLDER``. The first leads and writes how
it ended; the others help it. If one fails or is killed, torchrun ends all.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from classification.child_process import python_path
from classification.cli import run
from classification.errors import FieldmarkError
from classification.files import read_json, write_json
from classification.launch import Job
from classification.launch.ending import helping, orderly
from classification.launch.here import help_here, run_here
from classification.launch.machines import gpus
from classification.learning.team import end_process, joined
from classification.paths import RanksPaths
from classification.query.names import ALL_NAMES
from classification.rounds import Outcome
from classification.settings import load_config, write_config


def run_local(job: Job) -> Outcome:
    """Play the rounds, in this process or in as many as `launch.processes` says.

    Raises:
        FieldmarkError: the run cannot go on, or one of its processes was killed.
    """
    processes = job.config.launch.processes or gpus()
    if processes > 1:
        return _run_together(job, processes)
    with orderly() as stop:
        return run_here(job, stop=stop)


def _run_together(job: Job, processes: int) -> Outcome:
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    with tempfile.TemporaryDirectory() as folder:
        paths = RanksPaths(Path(folder))
        write_config(paths.config, job.config)
        write_json(paths.request, {"run": str(job.run), "resume": job.resume})
        how = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id=paths.root.name,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            max_restarts=0,
        )
        _prepare(processes)
        try:
            elastic_launch(how, sys.executable)("-m", __spec__.name, str(paths.root))
        except SignalException as error:  # asked to end; torchrun has ended the processes
            raise SystemExit(128 + int(error.sigval)) from None
        except ChildFailedError as error:
            raise _failure(paths, error.failures) from None
        return Outcome(**read_json(paths.outcome, what="end of the run"))


def _prepare(processes: int) -> None:
    """Cores for each process, where to find this package, and no word of torchrun's own."""
    import logging

    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    os.environ["PYTHONPATH"] = python_path()
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)


def _failure(paths: RanksPaths, failures: Mapping[int, object]) -> FieldmarkError:
    """What a process said it died of; else its exit code."""
    if paths.error.exists():
        return FieldmarkError(read_json(paths.error, what="error")["error"])
    codes = {rank: getattr(failure, "exitcode", None) for rank, failure in failures.items()}
    ended = ", ".join(f"process {rank} with exit code {code}" for rank, code in codes.items())
    return FieldmarkError(f"the run was ended: {ended}. Start it again: it goes on from there")


def main() -> None:
    """One of the processes of a run."""
    paths = RanksPaths(Path(sys.argv[1]))
    asked = read_json(paths.request, what="request")
    config = load_config(paths.config, strategies=ALL_NAMES)
    job = Job(config=config, run=Path(asked["run"]), resume=asked["resume"])
    try:
        with joined() as team:
            if team.rank > 0:
                with helping():
                    help_here(job, team)
            else:
                with orderly() as stop:
                    write_json(paths.outcome, asdict(run_here(job, team=team, stop=stop)))
        end_process(team)
    except FieldmarkError as error:
        write_json(paths.error, {"error": str(error)})
        sys.exit(1)


if __name__ == "__main__":
    run(main)
