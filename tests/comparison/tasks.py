"""Small datasets to compare strategies on."""

import numpy as np

from classification.comparison.task import Task


def make_task(n=240, *, classes=3, dim=6, burst=4, seed=0, name="made"):
    """Items around class centres; consecutive ones are a burst, five bursts a location."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(rng.integers(classes, size=-(-n // burst)), burst)[:n]
    bursts = np.arange(n) // burst
    shift = rng.normal(size=(bursts.max() + 1, dim))
    centres = 3 * rng.normal(size=(classes, dim))
    x = centres[labels] + shift[bursts] + 0.2 * rng.normal(size=(n, dim))
    return Task(
        name=name,
        embeddings=x.astype(np.float32),
        labels=labels.astype(np.int64),
        classes=tuple(f"class {i}" for i in range(classes)),
        units=bursts // 5,
        bursts=bursts,
        locations=bursts // 5,
    )
