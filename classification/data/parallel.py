"""One function over many items on all cores, in order, without a queue that outgrows memory."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from classification.errors import FieldmarkError

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4  # chunks per process that are submitted before the first answer is read


def core_count(threads: int = 0) -> int:
    """`threads`, or where that is 0 the number of cores that this process may use."""
    if threads:
        return threads
    if hasattr(os, "sched_getaffinity"):  # containers show fewer cores than the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Consecutive lists of `size` items; the last may be shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def map_chunks(function: Callable[[T], R], chunks: Iterable[T], *, processes: int) -> Iterator[R]:
    """`function` of each chunk, in order; with one process it runs in this one.

    Raises:
        FieldmarkError: a process was killed, as happens when memory runs out.
        Exception: whatever `function` raises; the rest is then not begun.
    """
    if processes <= 1:
        yield from map(function, chunks)
        return
    # spawn: the same on every system, and no lock of a thread is copied half-held
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=follow_parent)
    try:
        waiting: deque[Future[R]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(function, chunk))
            if len(waiting) >= _AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise FieldmarkError(
            f"one of {processes} processes was killed, most likely because memory ran out. What "
            "is done is kept: run the same command again with fewer --threads."
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def follow_parent() -> None:
    """In a process of a pool: leave Ctrl-C to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
