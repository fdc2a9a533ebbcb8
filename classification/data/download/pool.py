"""Work in threads, results as they come, and a clean end when the reader of results stops."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4  # jobs handed out per thread, so that none waits for the next


def as_done(work: Callable[[T], R], jobs: Iterable[T], *, threads: int, stop: Event) -> Iterator[R]:
    """``work(job)`` for every job, in order of completion.

    An exception in `work`, Ctrl-C, or leaving the loop sets `stop`, on which `work` should return
    soon, and waits for the threads.
    """
    waiting = iter(jobs)
    done: SimpleQueue[Future[R]] = SimpleQueue()
    with ThreadPoolExecutor(threads, thread_name_prefix="download") as executor:

        def hand_out(number: int) -> int:
            futures = [executor.submit(work, job) for job in islice(waiting, number)]
            for future in futures:
                future.add_done_callback(done.put)
            return len(futures)

        try:
            running = hand_out(threads * _AHEAD)
            while running:
                yield done.get().result()
                running += hand_out(1) - 1
        except BaseException:
            stop.set()
            executor.shutdown(cancel_futures=True)
            raise
