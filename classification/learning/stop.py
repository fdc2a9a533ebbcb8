"""Being asked to end: a training that runs first writes where it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event


class StopRequest:
    """Whether this process is to end soon, and whether a training has yet to write its state.

    Args:
        leave: what the training calls when its state is written; may raise SystemExit.
    """

    def __init__(self, leave: Callable[[], object] = lambda: None) -> None:
        self._leave = leave
        self._asked, self._ready = Event(), Event()
        self._ready.set()

    @property
    def asked(self) -> bool:
        """Whether the process is to end."""
        return self._asked.is_set()

    @property
    def ready(self) -> bool:
        """Nothing trains, or its state was written since the end was asked for."""
        return self._ready.is_set()

    def ask(self) -> None:
        """The process is to end soon."""
        self._asked.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is ready, at most so long; whether it is."""
        return self._ready.wait(seconds)

    @contextmanager
    def training(self) -> Iterator[None]:
        """A training that writes its state when asked runs within the context."""
        self._ready.clear()
        try:
            yield
        finally:
            self._ready.set()

    def written(self) -> None:
        """The training has done what it could."""
        self._ready.set()
        self._leave()
