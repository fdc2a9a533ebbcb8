"""Starting and resuming a job as a person asked for it: price, consent, then stay or leave."""

import json
import sys

from classification.config_sagemaker import SageMakerConfig
from classification.errors import FieldmarkError
from classification.launch import Job, JobRecord, Launcher, Start, launcher
from classification.launch.records import config_of
from classification.launch.watch import Watch, hints


def start(job: Job, options: Start) -> int:
    """Start the job; the exit code, which is the job's where it was followed.

    Raises:
        FieldmarkError: the job cannot be started.
    """
    chosen = launcher(job.config.launch.backend)
    planned = chosen.plan(job)
    if options.dry_run and planned is None:
        raise FieldmarkError("--dry-run shows what would be sent to AWS; add --backend sagemaker")
    if planned is not None:
        if options.dry_run:
            print(json.dumps(planned.request, indent=2))
        print("\n".join(planned.lines), file=sys.stderr)
        if options.dry_run:
            return 0
        _consent(yes=options.yes)
    record = chosen.submit(job, planned)
    if record is None:
        return 0
    print(f"submitted {record.name}", file=sys.stderr)
    if not options.follow:
        print(f"it runs on its own. {hints(record)}", file=sys.stderr)
        return 0
    return follow(chosen, record, job.config.launch.sagemaker)


def follow(chosen: Launcher, record: JobRecord, aws: SageMakerConfig) -> int:
    """Print a job's log until it ends; its exit code."""
    local = record.backend == "local"
    return Watch(
        launcher=chosen,
        record=record,
        poll=0.5 if local else 10.0,
        # fine-tuning on a laptop may be silent for long, and costs nothing
        stall_seconds=float("inf") if local else 60 * aws.stall_minutes,
        # by default 20 minutes: one every 5, and the time to copy it
        checkpoint_seconds=240 * aws.checkpoint_minutes or float("inf"),
    ).wait()


def resume(record: JobRecord, options: Start) -> int:
    """Start a job that goes on where one that has ended was; the exit code as of `start`.

    Raises:
        FieldmarkError: it has not ended, or cannot be started.
        UnreachableError: its backend does not answer now.
    """
    state = launcher(record.backend).status(record)
    if not state.ended:
        raise FieldmarkError(f"{record.name} is {state.status}; stop it first, or wait for its end")
    job = Job(config=config_of(record), run=record.run, resume=True, detach=True)
    return start(job, options)


def _consent(*, yes: bool) -> None:
    """Ask before anything costs money.

    Raises:
        FieldmarkError: refused, or nobody is there to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise FieldmarkError("nobody is here to agree to the price; add --yes to submit the job")
    print("submit this job? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise FieldmarkError("not submitted; nothing was sent")
