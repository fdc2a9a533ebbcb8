"""A small dataset of pictures that a network learns in a second."""

import numpy as np

from classification.comparison.data_prep import ArrayImages, DataPrep

SIDE = 16


def pictures(n, *, seed=0, classes=3):
    """Noise with a bright bar whose place is the class: uint8 [n, 16, 16, 3]."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % classes
    pixels = rng.integers(0, 90, size=(n, SIDE, SIDE, 3), dtype=np.uint8)
    for i, label in enumerate(labels):
        pixels[i, 5 * label : 5 * label + 5, :, label] = 250
    return ArrayImages(pixels=pixels, targets=labels)


class Bars(DataPrep):
    """A dataset of one's own, as the documentation says."""

    name, classes, image_size = "bars", ("top", "middle", "bottom"), SIDE

    def __init__(self, n=60):
        self.train = self.query = pictures(n)
        self.test = pictures(30, seed=1)
