"""How the processes of a run end when they are asked to, by SIGTERM.

At once, unless the backbone is being trained: then after the step that runs, when its state is on
disk. A second SIGTERM ends the process whatever it does.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from classification.learning.stop import StopRequest

_TERMINATED = 128 + signal.SIGTERM


@contextmanager
def orderly() -> Iterator[StopRequest]:
    """Within the context SIGTERM lets a training write its state and then raises SystemExit."""
    stop = StopRequest(_leave)

    def asked() -> None:
        if stop.asked or stop.ready:
            _leave()
        stop.ask()

    with _at_sigterm(asked):
        try:
            yield stop
        except Exception:
            if stop.asked:  # a helper was faster, and its connection is broken
                _leave()
            raise


@contextmanager
def helping() -> Iterator[None]:
    """Within the context SIGTERM does not end this process: the leader's last step needs it.

    When the leader is gone, so is this process, without a word about the broken connection.
    """
    asked = threading.Event()
    with _at_sigterm(asked.set):
        try:
            yield
        except Exception:
            if asked.is_set():
                os._exit(_TERMINATED)
            raise


@contextmanager
def _at_sigterm(do: Callable[[], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # Python allows no handler there
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        do()

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave() -> NoReturn:
    raise SystemExit(_TERMINATED)
