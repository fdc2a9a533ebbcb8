"""How a background step stands, for whoever looks."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Report:
    """How the newest step of one kind stands.

    Attributes:
        running: it goes on.
        text: what it does, or how it ended, for people.
        problem: why it failed; empty otherwise.
    """

    running: bool = False
    text: str = ""
    problem: str = ""
    _began: float = 0.0
    _took: float | None = None

    @property
    def seconds(self) -> float:
        """Since it began, or how long it took."""
        return time.monotonic() - self._began if self._took is None else self._took

    def begin(self, text: str) -> None:
        """A step begins."""
        self.text, self.problem = text, ""
        self._began, self._took = time.monotonic(), None
        self.running = True

    def finish(self, text: str, problem: str = "") -> None:
        """It ended."""
        self._took = self.seconds
        self.text, self.problem = text, problem
        self.running = False


@dataclass(kw_only=True)
class Losses:
    """How training goes: an entry per step.

    Attributes:
        total: steps there will be, if nothing stops it.
        labelled, unlabelled: loss on labels, and on pseudo-labels.
        used: share of the unlabelled items of the step with a pseudo-label.
        held_out: (step, loss on validation items) after each epoch.
    """

    total: int = 0
    labelled: list[float] = field(default_factory=list)
    unlabelled: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Done so far."""
        return len(self.used)

    def add(self, steps: Sequence[Sequence[float | None]], total: int) -> None:
        """Take in steps: number, the two losses, used, held-out loss or None."""
        self.total = total
        for number, labelled, unlabelled, used, held_out in steps:
            self.labelled.append(labelled or 0.0)
            self.unlabelled.append(unlabelled or 0.0)
            if held_out is not None and (not self.held_out or held_out != self.held_out[-1][1]):
                self.held_out.append((int(number or 0), held_out))
            self.used.append(used or 0.0)
