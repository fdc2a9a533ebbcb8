"""A launcher that plays a script, and a clock that only waiting moves."""

from dataclasses import dataclass, field
from pathlib import Path

from classification.launch import JobRecord, JobState, LogPage


def record(name: str = "resnet-18-baseline-1", run: Path = Path("runs/m/e"), **details: str):
    return JobRecord(
        name=name, backend="fake", run=run, created="2026-01-02T03:04:05+00:00", details=details
    )


@dataclass
class Clock:
    """Time passes by sleeping."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Scripted:
    """Each look gives the next state, or raises it; log lines come with the state's turn."""

    states: list[JobState | BaseException]
    lines: dict[int, list[str]] = field(default_factory=dict)
    turn: int = -1

    def status(self, record: JobRecord) -> JobState:
        self.turn = min(self.turn + 1, len(self.states) - 1)
        state = self.states[self.turn]
        if isinstance(state, BaseException):
            raise state
        return state

    def logs(self, record: JobRecord, cursor: str = "") -> LogPage:
        waiting = [
            line
            for turn, lines in sorted(self.lines.items())
            if int(cursor or -1) < turn <= self.turn
            for line in lines
        ]
        return LogPage(lines=waiting, cursor=str(self.turn))

    def plan(self, job): ...

    def submit(self, job, planned=None): ...

    def stop(self, record): ...
