"""Embeddings that a head can learn: a cloud for each class."""

import numpy as np


def blobs(classes, n=60, d=6, seed=0, spread=1.0):
    """float32 [n, d] and int64 [n], class ids drawn from `classes`."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, size=n)
    centres = np.random.default_rng(1).normal(size=(max(classes) + 1, d)) * 3
    return (centres[labels] + spread * rng.normal(size=(n, d))).astype(np.float32), labels
