"""Temporary files of the app's background steps, and of apps that were killed.

An app holds a lock in its folder as long as it lives. So what is left of one whose process could
not clean up is found by the next, and never rests on a process id, which may be another's by then.
"""

import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from classification.paths.app_jobs import StepPaths, WorkPaths

_PREFIX = "fieldmark-"


class WorkFolder:
    """Made for the first step, and gone with the app."""

    def __init__(self) -> None:
        self._inputs: NDArray[np.floating] | None = None
        self._generation = self._steps = 0

    def shared(self, inputs: NDArray[np.floating]) -> WorkPaths:
        """Files made of these inputs; those of other embeddings, as of a new round, are apart."""
        if inputs is not self._inputs:
            self._inputs, self._generation = inputs, self._generation + 1
        return WorkPaths(self._root / f"inputs_{self._generation}")

    def next_step(self) -> StepPaths:
        """A folder that no step had yet."""
        self._steps += 1
        return WorkPaths(self._root).step(self._steps)

    @cached_property
    def _root(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = FileLock(WorkPaths(folder).lock, thread_local=False)
        lock.acquire()
        weakref.finalize(self, _remove, folder, lock)
        return folder


def remove_left_over() -> None:
    """Remove the folders of this user's apps whose process is gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = WorkPaths(folder).lock
        with suppress(OSError, Timeout):  # another's, gone by now, or of a living app
            # a folder with nothing but its lock may be one whose app is about to take the lock
            if _is_ours(folder) and lock.exists() and len(list(folder.iterdir())) > 1:
                held = FileLock(lock, timeout=0)
                held.acquire()
                _remove(folder, held)


def _is_ours(folder: Path) -> bool:
    """Another user's lock could be a link to a file of this one."""
    seen = folder.stat(follow_symlinks=False)
    return not hasattr(os, "getuid") or seen.st_uid == os.getuid()


def _remove(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)  # Windows keeps a file that is open
