"""The process of a detached local job: ``python -m classification.launch.background JOB_FOLDER``.

It holds the job's lock, runs the job as ``train.py`` would, and writes how it ended. SIGTERM ends
it: what a run has on disk is whole at any moment.
"""

import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import NoReturn

from filelock import FileLock

from classification.errors import FieldmarkError
from classification.files import read_json, write_json
from classification.launch import Job, Status
from classification.launch.records import now
from classification.paths import JobPaths
from classification.query.names import ALL_NAMES
from classification.settings import load_config

_LOCK_SECONDS = 10  # someone may just be looking whether the lock is held


def main() -> int:
    """Run the job in the folder of the first argument; its exit code."""
    paths = JobPaths(Path(sys.argv[1]))
    with FileLock(paths.lock, timeout=_LOCK_SECONDS):
        signal.signal(signal.SIGTERM, _terminate)
        write_json(paths.process, {"pid": os.getpid()})
        status, reason = _run(paths)
        write_json(paths.end, {"status": status, "reason": reason, "ended": now()})
    return 0 if status == "completed" else 1


def _run(paths: JobPaths) -> tuple[Status, str]:
    try:
        from classification.launch.ranks import run_local

        config = load_config(paths.config, strategies=ALL_NAMES)
        resume = read_json(paths.record, what="job record")["details"]["resume"] == "1"
        outcome = run_local(Job(config=config, run=paths.root.parents[1], resume=resume))
    except FieldmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return "failed", str(error)
    except (SystemExit, KeyboardInterrupt):
        return "stopped", "asked to stop"
    except BaseException as error:  # its end must be known, whatever it is
        traceback.print_exc()
        return "failed", f"{type(error).__name__}: {error}"
    return "completed", f"waits for {outcome.waiting} labels" if outcome.waiting else ""


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
