"""Pools to choose from, for the tests of the strategies."""

import numpy as np

from classification.query import Pool

OPTIONS = {name: {"target": 1} for name in ("class_entropy", "class_high", "class_low")}
OPTIONS["simulate_batch"] = {"simulations": 2, "steps": 2}  # 50 fits a batch by default
"""Options that a strategy cannot do without, or takes long without."""


def make_pool(n, *, labelled=(), classes=3, dim=4, seed=0, burst=0):
    """`n` items around `classes` centres; those in `labelled` have ids 2, 4, 6, ...

    With `burst`, consecutive items are frames of one burst, and ten bursts one location.
    """
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=n)
    centres = 3 * rng.normal(size=(classes, dim))
    mask = np.zeros(n, dtype=bool)
    mask[list(labelled)] = True
    columns = 2 * classes + 1  # ids need not be contiguous, nor start at 0
    probs = rng.dirichlet(np.ones(columns), size=n).astype(np.float32)
    groups = np.arange(n) // burst if burst else None
    return Pool(
        embeddings=(centres[truth] + rng.normal(size=(n, dim))).astype(np.float32),
        probs=probs,
        labelled=mask,
        labels=np.where(mask, 2 * truth + 2, -1).astype(np.int64),
        groups=groups,
        locations=None if groups is None else groups // 10,
        committee=rng.dirichlet(np.ones(columns), size=(4, n)).astype(np.float32),
    )
