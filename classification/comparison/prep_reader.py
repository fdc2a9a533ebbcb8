"""A dataset of a comparison as training and prediction read it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classification.comparison.data_prep import DataPrep, as_pixels
from classification.learning.crops import CropReader

_KEPT_BYTES = 1 << 30  # as in CropReader: 350,000 pictures of 32 px


class PrepReader(CropReader):
    """Reads items by the names that `end_to_end.keys` gives them, and keeps them in memory.

    Args:
        prep: the dataset.
        size: side in pixels that pictures are stretched to.
        threads: decoding threads.
    """

    def __init__(self, prep: DataPrep, *, size: int, threads: int) -> None:
        super().__init__(Path(), size=size, threads=threads)
        self._prep, self._side = prep, size
        self._pictures: dict[str, NDArray[np.uint8]] = {}

    def read(self, path: str) -> NDArray[np.uint8]:
        """One picture: uint8 [size, size, 3]."""
        pixels = self._pictures.get(path)
        if pixels is None:
            part, _, number = path.partition("/")
            pixels = as_pixels(self._prep.part(part)[int(number)][0], self._side)
            if (len(self._pictures) + 1) * pixels.nbytes <= _KEPT_BYTES:
                self._pictures[path] = pixels
        return pixels
