"""Neighbours the slow way: every distance in float64, sorted; ties by position."""

import numpy as np


def brute_force(queries, points, k, *, metric="euclidean", skip_self=False):
    x, y = queries.astype(np.float64), points.astype(np.float64)
    if metric == "cosine":
        x, y = (a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-300) for a in (x, y))
        distance = np.maximum(1 - x @ y.T, 0)
    else:
        distance = np.sqrt(((x[:, None] - y[None]) ** 2).sum(axis=2))
    if skip_self:
        np.fill_diagonal(distance, np.inf)
    index = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return index, np.take_along_axis(distance, index, axis=1)


def blobs(n, d, *, count=20, seed=0):
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(count, d))
    return (centres[rng.integers(0, count, n)] + rng.normal(size=(n, d))).astype(np.float32)
