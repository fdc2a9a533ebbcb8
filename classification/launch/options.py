"""Options of ``classification/jobs.py``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class JobsOptions:
    """Options of jobs.py."""

    command: Literal["list", "status", "logs", "attach", "stop", "resume", "cost", "pull", "push"]
    """list, status, logs, attach, stop, resume, cost, pull or push."""
    job: str = ""
    """Name of a job, the start of one, or a run folder for its newest."""
    runs: Path = Path("runs")
    """Folder of the runs, <model>/<experiment> below it."""
    follow: bool = False
    """logs: go on until the job ends; also -f."""
    detach: bool = False
    """resume: return as soon as the job is on its way."""
    yes: bool = False
    """resume: submit without asking."""
