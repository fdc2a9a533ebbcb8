"""The local launcher: jobs in this process, or detached from the terminal in one of their own.

A detached job is a process that holds a lock as long as it lives and writes how it ended. So its
state never rests on a process id alone, which the system may have given to something else.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from classification.child_process import python_path
from classification.errors import FieldmarkError
from classification.files import read_json
from classification.launch import Job, JobRecord, JobState, LogPage
from classification.launch.records import new_name, now, save_record
from classification.paths import JobPaths, RunPaths

_STARTING = 60.0  # seconds in which a process that was started must have taken its lock
_PAGE = 1 << 20  # bytes of a log read at once


class LocalLauncher:
    """Runs jobs on this machine."""

    def plan(self, job: Job) -> None:
        """Nothing is sent, and nothing costs."""

    def submit(self, job: Job, planned: object = None) -> JobRecord | None:
        """Run the job here and now; with `job.detach` start it in the background."""
        if not job.detach:
            from classification.launch.ranks import run_local

            run_local(job)
            return None
        if _held(RunPaths(job.run).lock):
            raise FieldmarkError(
                f"another process is working in {job.run}; wait for it, or use another experiment "
                "folder. Its jobs: python classification/jobs.py list"
            )
        details = {"resume": str(int(job.resume))}
        record = JobRecord(
            name=new_name(job.run), backend="local", run=job.run, created=now(), details=details
        )
        save_record(record, job.config)
        _spawn(_paths(record))
        return record

    def status(self, record: JobRecord) -> JobState:
        """How the job is, from its lock and from what it wrote at its end."""
        paths = _paths(record)
        log_age = _age(paths.log)
        # first the lock: a process writes its end before it lets go
        if _held(paths.lock):
            return JobState(status="running", seconds=_seconds(record, None), log_age=log_age)
        if paths.end.exists():
            end = read_json(paths.end, what="end of the job")
            seconds = _seconds(record, end["ended"])
            return JobState(status=end["status"], reason=end["reason"], seconds=seconds)
        if not paths.process.exists() and _seconds(record, None) < _STARTING:
            return JobState(status="queued", log_age=log_age)
        reason = "its process was killed, or the machine went down"
        return JobState(status="interrupted", reason=reason, log_age=log_age)

    def logs(self, record: JobRecord, cursor: str = "") -> LogPage:
        """Whole lines of the log; the last one, while it is being written, comes later."""
        path, start = _paths(record).log, int(cursor or 0)
        if not path.exists():
            return LogPage(lines=[], cursor=cursor)
        with path.open("rb") as f:
            f.seek(start)
            text = f.read(_PAGE)
        whole = text.rfind(b"\n") + 1 or (len(text) if len(text) == _PAGE else 0)
        lines = text[:whole].decode(errors="replace").splitlines()
        return LogPage(lines=lines, cursor=str(start + whole))

    def stop(self, record: JobRecord) -> None:
        """Send SIGTERM to the job's process, if it lives."""
        paths = _paths(record)
        if _held(paths.lock) and paths.process.exists():
            os.kill(read_json(paths.process, what="process of the job")["pid"], signal.SIGTERM)


def _paths(record: JobRecord) -> JobPaths:
    return RunPaths(record.run).job(record.name)


def _spawn(paths: JobPaths) -> None:
    """Start `classification.launch.background`, which outlives this process and its terminal."""
    command = [sys.executable, "-m", "classification.launch.background", str(paths.root.resolve())]
    with paths.log.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONPATH": python_path(),
                "PYTHONUNBUFFERED": "1",
                # a progress bar is one endless line in a log
                "TQDM_DISABLE": "1",
            },
        )
    # so that it is no zombie when it ends before this process
    threading.Thread(target=process.wait, daemon=True).start()


def _held(lock: Path) -> bool:
    """Whether a living process holds a lock."""
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def _age(path: Path) -> float | None:
    if not path.exists() or not path.stat().st_size:
        return None
    return max(0.0, time.time() - path.stat().st_mtime)


def _seconds(record: JobRecord, ended: str | None) -> float:
    last = datetime.fromisoformat(ended) if ended else datetime.now(UTC)
    return max(0.0, (last - datetime.fromisoformat(record.created)).total_seconds())
