"""What `query_speed.py` measures: a pool, a batch of it, and what the batch is compared with."""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from classification.linear import fit_linear
from classification.query import Pool, select

LATENT = 16
LABELS = 500
BLOCK = 50_000


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement and what it is held to; 0: not held to anything."""

    name: str
    items: int
    dims: int
    picks: int
    classes: int = 10
    options: dict[str, Any] = field(default_factory=dict)
    peer: float = 0
    """Times less processor time than scikit-activeml, at least."""
    product: float = 0
    """Times the plain product, at most."""
    numpy: float = 0
    """Times the NumPy expression, at most."""
    seconds: float = 0
    """Of processor time, at most: the wall time if one core did it all."""
    mib: float = 0
    """MiB beyond the input, at most."""


def measure(what: str, row: Row, repeats: int) -> dict[str, float]:
    """Processor and wall seconds, and the peak of memory in MiB beyond the input."""
    pool = make_pool(row)
    job = JOBS[what](pool, row)
    cpu, wall = [], []
    before = reset_peak()
    for _ in range(repeats):
        c, w = time.process_time(), time.perf_counter()
        job()
        cpu.append(time.process_time() - c)
        wall.append(time.perf_counter() - w)
    mib = (peak() - before) / 2**20
    return {"cpu": statistics.median(cpu), "wall": statistics.median(wall), "mib": mib}


def make_pool(row: Row) -> Pool:
    rng = np.random.default_rng(0)
    n = row.items
    centres = 1.5 * rng.standard_normal((row.classes, LATENT), dtype=np.float32)
    basis = rng.standard_normal((LATENT, row.dims), dtype=np.float32)
    truth = rng.integers(row.classes, size=n)
    x = np.empty((n, row.dims), dtype=np.float32)
    for start in range(0, n, BLOCK):
        rows = slice(start, min(start + BLOCK, n))
        size = rows.stop - rows.start
        latent = centres[truth[rows]] + rng.standard_normal((size, LATENT), dtype=np.float32)
        np.matmul(latent, basis, out=x[rows])
        x[rows] += rng.standard_normal((size, row.dims), dtype=np.float32) / 2
    labelled = np.zeros(n, dtype=bool)
    labelled[rng.choice(n, min(LABELS, n // 2), replace=False)] = True
    labels = np.where(labelled, truth, -1)
    head = fit_linear(x[labelled], labels[labelled])
    probs = head.predict(x, row.classes)
    return Pool(embeddings=x, probs=probs, labelled=labelled, labels=labels, head=head)


Job = Callable[[], object]


def own_job(pool: Pool, row: Row) -> Job:
    return lambda: select(row.name, pool, row.picks, np.random.default_rng(0), **row.options)


def product_job(pool: Pool, row: Row) -> Job:
    right = np.ascontiguousarray(pool.embeddings[: row.picks].T)
    out = np.empty((4096, row.picks), dtype=np.float32)

    def product() -> None:
        for start in range(0, len(pool), len(out)):
            block = pool.embeddings[start : start + len(out)]
            np.matmul(block, right, out=out[: len(block)])

    return product


def numpy_job(pool: Pool, row: Row) -> Job:
    assert pool.probs is not None
    probs = pool.probs[~pool.labelled]
    plain = {"margin": plain_margin, "entropy": plain_entropy}[row.name]
    return lambda: plain(probs, row.picks)


def plain_margin(probs: np.ndarray, n: int) -> np.ndarray:
    top = np.partition(probs, -2, axis=1)
    return np.argpartition(top[:, -1] - top[:, -2], n)[:n]


def plain_entropy(probs: np.ndarray, n: int) -> np.ndarray:
    return np.argpartition((probs * np.log(probs + 1e-30)).sum(axis=1), n)[:n]


def peer_job(pool: Pool, row: Row) -> Job:
    """The same query of scikit-activeml, its classifier fitted beforehand."""
    from skactiveml.classifier import SklearnClassifier  # pyright: ignore[reportMissingImports]
    from skactiveml.pool import Badge, CoreSet  # pyright: ignore[reportMissingImports]
    from sklearn.linear_model import LogisticRegression

    x, y = pool.embeddings, np.where(pool.labelled, pool.labels, np.nan)
    if row.name == "kcenter":
        return lambda: CoreSet(random_state=0).query(x, y, batch_size=row.picks)
    model = SklearnClassifier(LogisticRegression(max_iter=100), classes=np.arange(row.classes))
    model.fit(x[pool.taught], y[pool.taught])
    query = Badge(random_state=0).query
    return lambda: query(x, y, clf=model, fit_clf=False, batch_size=row.picks)


JOBS = {"select": own_job, "product": product_job, "numpy": numpy_job, "peer": peer_job}


def reset_peak() -> int:
    """Memory held now, in bytes; where the system can, the peak starts anew from it."""
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    status = Path("/proc/self/status")
    if status.exists():
        line = next(part for part in status.read_text().splitlines() if part.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
