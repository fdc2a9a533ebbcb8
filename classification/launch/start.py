"""Starting a job as a person asked for it: dry run, price and consent, then stay with it or not."""

import json
import sys
from typing import TYPE_CHECKING

from classification.errors import FieldmarkError
from classification.launch import Job, JobRecord, Launcher, Start, launcher
from classification.launch.watch import Watch, hints

if TYPE_CHECKING:
    from classification.launch.sagemaker import Plan


def start(job: Job, options: Start) -> int:
    """Start the job; the exit code, which is the job's where it was followed.

    Raises:
        FieldmarkError: the job cannot be started.
    """
    chosen = launcher(job.config.launch.backend)
    if job.config.launch.backend == "sagemaker":
        from classification.launch.sagemaker import plan

        planned = plan(job)
        if options.dry_run:
            print(json.dumps(planned.request, indent=2))
            print("\n".join(planned.lines), file=sys.stderr)
            return 0
        consent(planned, yes=options.yes)
    elif options.dry_run:
        raise FieldmarkError("--dry-run shows what would be sent to AWS; add --backend sagemaker")
    record = chosen.submit(job)
    if record is None:
        return 0
    print(f"submitted {record.name}", file=sys.stderr)
    if not options.follow:
        print(f"it runs on its own. {hints(record)}", file=sys.stderr)
        return 0
    return follow(chosen, record, stall_minutes=job.config.launch.sagemaker.stall_minutes)


def follow(chosen: Launcher, record: JobRecord, *, stall_minutes: float) -> int:
    """Print a job's log until it ends; its exit code."""
    local = record.backend == "local"
    return Watch(
        launcher=chosen,
        record=record,
        poll=0.5 if local else 10.0,
        # fine-tuning on a laptop may be silent for long, and costs nothing
        stall_seconds=float("inf") if local else 60 * stall_minutes,
    ).wait()


def consent(planned: "Plan", *, yes: bool) -> None:
    """Show what a job costs and moves, and ask before it is submitted.

    Raises:
        FieldmarkError: refused, or nobody is there to ask.
    """
    print("\n".join(planned.lines), file=sys.stderr)
    if yes:
        return
    if not sys.stdin.isatty():
        raise FieldmarkError("nobody is here to agree to the price; add --yes to submit the job")
    print("submit this job? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise FieldmarkError("not submitted; nothing was sent")
