"""Array work on all cores: one block per thread, and one BLAS thread for each of them.

BLAS would spread every product over all cores by itself, but the work between two products would
stay on one, and on a busy machine the threads of a product wait for one another, spinning.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_users = 0
_limit: Any = None


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # containers show fewer cores than the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """One thread per BLAS call inside, in the whole process.

    May be nested and entered by several threads: the first to enter sets the limit, and the last to
    leave puts back what was.
    """
    from threadpoolctl import threadpool_limits

    global _users, _limit
    with _lock:
        if not _users:
            _limit = threadpool_limits(1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                _limit.restore_original_limits()


def on_all_cores(
    work: Callable[[T], object],
    items: Iterable[T],
    *,
    initializer: Callable[[], object] | None = None,
) -> None:
    """``work(item)`` for every item, in one thread per core; NumPy lets them run side by side.

    Args:
        work: must not depend on the order of the items; its errors are raised here.
        items: what to work on.
        initializer: called first in every thread.
    """
    with one_blas_thread(), ThreadPoolExecutor(cores(), initializer=initializer) as pool:
        for _ in pool.map(work, items):
            pass
