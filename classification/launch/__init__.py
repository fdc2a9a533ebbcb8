"""Where a run happens, behind one protocol.

A launcher plans, submits, looks, reads the log and stops. Waiting (`watch`) and resuming (`start`)
are made of these and the same for all. Slurm or another cloud would be one more class, and one more
line in `launcher`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from classification.config import RunConfig

if TYPE_CHECKING:
    from classification.launch.plan import Plan

Status = Literal["queued", "running", "completed", "failed", "stopped", "timed out", "interrupted"]
ENDED: tuple[Status, ...] = ("completed", "failed", "stopped", "timed out", "interrupted")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One call of ``train.py``."""

    config: RunConfig
    run: Path
    """Run folder; the configuration lies in it."""
    resume: bool
    """Go on with what is there; otherwise set it aside first."""
    detach: bool = False
    """On this machine: run in the background instead of in this process."""


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """A submitted job, as ``jobs/<name>/job.json`` in its run folder keeps it."""

    name: str
    backend: str
    run: Path
    created: str
    """ISO 8601 UTC."""
    details: dict[str, str] = field(default_factory=dict)
    """What the launcher needs to find the job again; never a secret."""


@dataclass(frozen=True, kw_only=True)
class JobState:
    """How a job is, and how long ago it gave a sign of life."""

    status: Status
    reason: str = ""
    """Why it failed or was ended, or what it waits for."""
    phase: str = ""
    """The backend's own word for what the job does now."""
    seconds: float = 0.0
    """Running time so far."""
    billable_seconds: float | None = None
    """Seconds to pay for, per machine; None where running costs nothing or is not known yet."""
    machine: str = ""
    log_age: float | None = None
    """Seconds since the last line of the log; None: there is none yet."""
    checkpoint_age: float | None = None
    """Seconds since the last checkpoint outside the machine; None: there is none yet."""

    @property
    def ended(self) -> bool:
        """Nothing will happen any more."""
        return self.status in ENDED


@dataclass(frozen=True, kw_only=True)
class LogPage:
    """Lines of a log and where to read on."""

    lines: list[str]
    cursor: str


class UnreachableError(Exception):
    """The backend does not answer now, or refuses the credentials; asking again later may help."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """How a person wants a job started."""

    follow: bool = True
    """Stay with a job that runs elsewhere, or in the background, until it ends."""
    dry_run: bool = False
    """Show what would be sent, and send nothing."""
    yes: bool = False
    """Ask nothing."""


class Launcher(Protocol):
    """Runs jobs somewhere.

    `status`, `logs` and `stop` raise `UnreachableError` where trying again may help, and
    FieldmarkError where it will not.
    """

    def plan(self, job: Job) -> "Plan | None":
        """What a job would send and cost; None where it runs on this machine."""
        ...

    def submit(self, job: Job, planned: "Plan | None" = None) -> JobRecord | None:
        """Start the job, as planned; None if it ran here and has ended.

        Raises:
            FieldmarkError: it cannot be started, or it ended with an error a user can act on.
        """
        ...

    def status(self, record: JobRecord) -> JobState:
        """How the job is now."""
        ...

    def logs(self, record: JobRecord, cursor: str = "") -> LogPage:
        """The lines of the log since `cursor`; from the start with an empty one."""
        ...

    def stop(self, record: JobRecord) -> None:
        """Ask the job to save and end; does not wait for it. An ended job is left as it is."""
        ...


def launcher(backend: str) -> Launcher:
    """The launcher of a backend named in the configuration or in a record."""
    if backend == "sagemaker":
        from classification.launch.sagemaker import SageMakerLauncher

        return SageMakerLauncher()
    from classification.launch.local import LocalLauncher

    return LocalLauncher()
