"""Waiting for a job of any backend: its log as it comes, its end with the reason, an exit code.

Waiting outlives whatever may happen meanwhile: credentials that expire, a network that is gone, an
API that throttles. It says so once and goes on. Ctrl-C leaves the job running.
"""

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from classification.launch import JobRecord, JobState, Launcher, UnreachableError

EXIT = {
    "completed": 0,
    "failed": 3,
    "stopped": 4,
    "timed out": 5,
    "interrupted": 6,
    "stalled": 7,
}
"""Exit codes of waiting; 1 is an error of the command itself, 130 is Ctrl-C."""
TAIL = 50
"""Lines of the log that a job's bad end is shown with."""
_LONGEST_PAUSE = 60.0


@dataclass(kw_only=True)
class Watch:
    """How to wait."""

    launcher: Launcher
    record: JobRecord
    follow: bool = True
    """Print the log as it comes."""
    poll: float = 10.0
    """Seconds between two looks."""
    stall_seconds: float = 3600.0
    """Give up after this long without a new log line or checkpoint."""
    checkpoint_seconds: float = float("inf")
    """Say once if no checkpoint arrived for this long: the job may save in vain."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    _cursor: str = ""
    _told: bool = False

    def wait(self) -> int:
        """Wait until the job has ended, stalls, or Ctrl-C is pressed; the exit code."""
        try:
            state = self._until_end()
        except KeyboardInterrupt:
            self._say(f"detached; the job goes on. {hints(self.record)}")
            return 130
        if not state.ended:
            return EXIT["stalled"]
        for line in verdict(self.record, state, [] if self.follow else list(self._tail)):
            self._say(line)
        return EXIT[state.status]

    def _until_end(self) -> JobState:
        pause, quiet_since, trouble, phase = self.poll, self.clock(), "", ""
        while True:
            try:
                state = self.launcher.status(self.record)
                lines = self._read_log()
                if trouble:
                    self._say("in contact with the job again")
                pause, trouble = self.poll, ""
            except UnreachableError as error:
                if str(error) != trouble:
                    trouble = str(error)
                    self._say(f"no news of the job for now ({trouble}); still trying")
                pause = min(2 * pause, max(_LONGEST_PAUSE, self.poll))
                quiet_since = self.clock()  # no news is not the job's silence
                self.sleep(pause)
                continue
            if state.phase != phase and state.phase:
                phase = state.phase
                self._say(f"{self.record.name}: {phase}")
            if state.ended:
                return state
            self._look_at_checkpoints(state)
            if lines or state.status == "queued" or _alive(state, self.poll):
                quiet_since = self.clock()
            if self.clock() - quiet_since > self.stall_seconds:
                self._stalled(state)
                return state
            self.sleep(pause)

    def _read_log(self) -> int:
        """Take in all lines there are; how many."""
        number = 0
        while True:
            page = self.launcher.logs(self.record, self._cursor)
            self._cursor = page.cursor
            number += len(page.lines)
            for line in page.lines:
                self._tail.append(line)
                if self.follow:
                    print(line, flush=True)
            if not page.lines:
                return number

    def _look_at_checkpoints(self, state: JobState) -> None:
        """AWS has been seen to copy no more checkpoints of a job that went on writing them."""
        # of a job that has just begun, the newest is that of the job before
        age, limit = min(state.checkpoint_age or 0.0, state.seconds), self.checkpoint_seconds
        late = state.status == "running" and age > limit
        if late and not self._told:
            self._say(
                f"{self.record.name}: {heartbeat(state)}. Interrupted now, it would go back to "
                "that; if this lasts, stop it, which copies the newest one, and resume it"
            )
        self._told = late

    def _stalled(self, state: JobState) -> None:
        self._say(
            f"{self.record.name} is {state.status}, but gave no sign of life for "
            f"{self.stall_seconds / 60:.0f} minutes ({heartbeat(state)}). It still runs and may "
            f"cost money. {hints(self.record)}"
        )

    @staticmethod
    def _say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)


def verdict(record: JobRecord, state: JobState, tail: list[str]) -> list[str]:
    """What to say of an ended job: for a bad end the reason after the last lines of its log."""
    reason = f": {state.reason}" if state.reason else ""
    head = f"{record.name} {'has ' if state.status == 'completed' else ''}{state.status}{reason}"
    if state.status == "completed":
        return [head]
    shown = [f"last {len(tail)} lines of its log:", *(f"  {line}" for line in tail)] if tail else []
    return [*shown, head, f"go on from its last checkpoint: {_jobs('resume', record)}"]


def heartbeat(state: JobState) -> str:
    """How long ago the job gave a sign of life, in words."""
    parts = [("log", state.log_age), ("checkpoint", state.checkpoint_age)]
    return ", ".join(f"last {name} {_ago(age)}" for name, age in parts)


def _ago(age: float | None) -> str:
    if age is None:
        return "none yet"
    return f"{age:.0f} s ago" if age < 120 else f"{age / 60:.0f} min ago"


def _alive(state: JobState, within: float) -> bool:
    ages = [age for age in (state.log_age, state.checkpoint_age) if age is not None]
    return bool(ages) and min(ages) <= within


def hints(record: JobRecord) -> str:
    """What a person may do with a running job."""
    return f"Look again: {_jobs('attach', record)}; end it: {_jobs('stop', record)}"


def _jobs(verb: str, record: JobRecord) -> str:
    return f"python classification/jobs.py {verb} {record.name}"
