"""Temporary files of the app's background steps."""

import shutil
import tempfile
import weakref
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classification.paths.app_jobs import StepPaths, WorkPaths


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
        folder = Path(tempfile.mkdtemp(prefix="fieldmark-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder
