"""What a training that is stopped goes on from: its state after a step, now and then on disk."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from classification.errors import FieldmarkError
from classification.files import atomic_path
from classification.learning.stop import StopRequest

State = dict[str, Any]
"""Plain values and tensors."""

_FORMAT = 2  # 1, without a number in the file, was only written after whole epochs


@dataclass(kw_only=True)
class Milestones:
    """Where the state of one training is kept, and how often.

    Attributes:
        path: a file of this training alone; None keeps nothing.
        older: where the state before the newest stays, for a newest one that is damaged.
        seconds: at least, between two states on disk: each is about four times the weights.
        found: what to go on from, where another process has read it.
        stop: whether to write at once, because the process is to end.
    """

    path: Path | None = None
    older: Path | None = None
    seconds: float = 600.0
    found: State | None = None
    stop: StopRequest | None = None
    _last: float = field(default_factory=time.monotonic)

    def read(self) -> State | None:
        """The newest state that is whole; None without one.

        Raises:
            FieldmarkError: a later version of the project wrote it.
        """
        for path in (self.path, self.older):
            if path is not None and path.exists():
                try:
                    state = torch.load(path, map_location="cpu", weights_only=True)
                except Exception as error:  # each way to be broken has its own
                    _warn(f"{path} is damaged ({type(error).__name__}) and is passed over")
                    continue
                return _known(state, path)
        return self.found

    @contextmanager
    def training(self) -> Iterator[None]:
        """The training runs within the context; asked to stop, the process waits for its state."""
        with self.stop.training() if self.path and self.stop else nullcontext():
            yield

    def reached(self, state: Callable[[], State]) -> None:
        """After a step: write `state()` if it is time, or if the process is to end.

        A disk that is full costs a warning and the state, not the training.
        """
        if self.path is None:
            return
        ending = self.stop if self.stop and self.stop.asked and not self.stop.ready else None
        if ending or time.monotonic() - self._last >= self.seconds:
            try:
                self._write({"format": _FORMAT, **state()}, self.path)
            except (FieldmarkError, OSError, RuntimeError) as error:  # the last are torch's
                _warn(f"the state of the training was not kept ({error}); it goes on")
            self._last = time.monotonic()
        if ending:
            ending.written()

    def _write(self, state: State, path: Path) -> None:
        with atomic_path(path) as temporary:
            torch.save(state, temporary)
            with temporary.open("r+b") as f:  # now, so that there is no state for no time
                os.fsync(f.fileno())
            if self.older is not None and path.exists():
                path.replace(self.older)

    def over(self) -> None:
        """The training has ended: nothing is kept."""
        for path in (self.path, self.older):
            if path is not None:
                path.unlink(missing_ok=True)


def _known(state: State, path: Path) -> State:
    if state.get("format", 1) > _FORMAT:
        raise FieldmarkError(
            f"{path} is the state of a training by a later version of Fieldmark: go on with that "
            "version, or delete the file to train from the start"
        )
    return state


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)
