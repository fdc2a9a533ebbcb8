"""What a training that is stopped goes on from: its state after an epoch, now and then on disk."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from classification.files import atomic_path

State = dict[str, Any]
"""Plain values and tensors."""


@dataclass(kw_only=True)
class Milestones:
    """Where the state of one training is kept, and how often.

    Attributes:
        path: a file of this training alone; None keeps nothing.
        seconds: at least, between two states on disk: each is about four times the weights.
        found: what to go on from, where another process has read it.
    """

    path: Path | None = None
    seconds: float = 60.0
    found: State | None = None
    _last: float = field(default_factory=time.monotonic)

    def read(self) -> State | None:
        """The newest state; None without one. A broken file is as good as none."""
        if self.path is None or not self.path.exists():
            return self.found
        try:
            return torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # each way to be broken has its own; the training starts afresh
            return None

    def reached(self, state: Callable[[], State]) -> None:
        """After an epoch: write `state()` if it is time."""
        if self.path is None or time.monotonic() - self._last < self.seconds:
            return
        with atomic_path(self.path) as temporary:
            torch.save(state(), temporary)
        self._last = time.monotonic()

    def over(self) -> None:
        """The training has ended: nothing is kept."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
