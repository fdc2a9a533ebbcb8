"""Where a run happens, behind one protocol."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from classification.config import RunConfig


@dataclass(frozen=True, kw_only=True)
class Job:
    """One call of ``train.py``."""

    config: RunConfig
    run: Path
    """Run folder; the configuration lies in it."""
    resume: bool
    """Go on with what is there; otherwise set it aside first."""


class Launcher(Protocol):
    """Runs a job somewhere; returns when it has ended or has been handed over."""

    def submit(self, job: Job) -> None:
        """Start the job.

        Raises:
            FieldmarkError: it cannot be started, or it ended with an error a user can act on.
        """
        ...


def launcher(backend: str) -> Launcher:
    """The launcher of a backend named in the configuration."""
    from classification.launch.local import LocalLauncher

    return {"local": LocalLauncher}[backend]()
