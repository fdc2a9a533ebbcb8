"""Query strategies: seconds and memory of a batch, beside a peer or a physical limit.

    python benchmarks/query_speed.py                     # every row, about 10 minutes on 2 cores
    python benchmarks/query_speed.py kcenter badge       # the rows of these strategies
    python benchmarks/query_speed.py --scale 0.1         # a tenth of the items

Each measurement has a process of its own: it makes the pool, then times the batch (median of the
repeats) and takes the peak of its memory over what it held before. Seconds are of processor time,
all cores together, so that a busy machine counts little; wall time is given beside it.

- scikit-activeml: needs the extra `bench`. Its cost grows by the same for every pick, so a shorter
  and a longer batch are measured, the difference gives the cost of a pick, and `~` marks the sum.
  For BADGE it builds all gradients (8 GB at 100,000 x 512 x 10 classes), so it gets a quarter of
  the items, and its cost is scaled to all of them.
- product: one plain product (N x D)(D x B) in float32, in blocks.
- numpy: the same ranking in one expression, `plain_margin` and `plain_entropy` below.

The features are a mixture of Gaussians of 16 dimensions, turned into D with some noise; the
probabilities are those of a linear head on 500 labels.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from classification.linear import fit_linear
from classification.query import Pool, select

LATENT = 16
LABELS = 500
BLOCK = 50_000
# The mixture is easy: of the usual dropout too few classes change to leave k-means anything to do.
MOST_DROPPED = {"dropout": 0.98}


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


# A strategy more is a row more.
ROWS = [
    Row(name="margin", items=1_000_000, dims=16, picks=1000, classes=62, numpy=1.2),
    Row(name="entropy", items=1_000_000, dims=16, picks=1000, classes=62, numpy=1.2),
    Row(name="kcenter", items=100_000, dims=512, picks=1000, peer=20, product=6),
    Row(name="kcenter", items=1_000_000, dims=256, picks=1000, product=6, seconds=60, mib=2048),
    Row(name="badge", items=100_000, dims=512, picks=1000, peer=100),
    Row(name="badge", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="cdal", items=1_000_000, dims=16, picks=1000, classes=62, seconds=60, mib=2048),
    Row(name="falcun", items=1_000_000, dims=16, picks=1000, seconds=60, mib=2048),
    Row(name="mixed", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="bald", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="bait", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="bait", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="alfa_mix", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="alfa_mix", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="cluster_margin", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="cluster_margin", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="informative_diverse", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="hierarchical", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="hierarchical", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="graph_density", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="galaxy", items=1_000_000, dims=16, picks=1000, classes=62, seconds=60, mib=2048),
    Row(name="direct", items=1_000_000, dims=16, picks=1000, classes=62, seconds=60, mib=2048),
    Row(name="simulate_batch", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="typiclust", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="typiclust", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="probcover", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="probcover", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="maxherding", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="maxherding", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="uherding", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="uherding", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(
        name="dropquery",
        items=100_000,
        dims=512,
        picks=1000,
        options=MOST_DROPPED,
        seconds=60,
        mib=2048,
    ),
    Row(
        name="dropquery",
        items=1_000_000,
        dims=256,
        picks=1000,
        options=MOST_DROPPED,
        seconds=600,
        mib=4096,
    ),
    Row(name="cluster_centres", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="cluster_centres", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("strategies", nargs="*", help="rows to run; none given: all")
    parser.add_argument("--scale", type=float, default=1, help="factor of the items of every row")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "ROW"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        what, row = options.measure
        print(json.dumps(measure(what, Row(**json.loads(row)), options.repeats)))
        return
    print("processor seconds; wall time and memory beyond the input in brackets")
    for row in ROWS:
        if not options.strategies or row.name in options.strategies:
            report(replace(row, items=round(row.items * options.scale)), options.repeats)


def report(row: Row, repeats: int) -> None:
    """Measure a row and all that it is held against, and print one line for each."""
    own = alone("select", row, repeats)
    shape = f"{row.items:,} x {row.dims}, {row.classes} classes, {row.picks:,} picks"
    print(f"{row.name}, {shape}: {own['cpu']:.2f} s ({own['wall']:.1f} s, {own['mib']:.0f} MiB)")
    if row.seconds:
        verdict(f"{own['cpu']:.1f} s", own["cpu"] <= row.seconds, f"at most {row.seconds:g} s")
    if row.mib:
        verdict(f"memory {own['mib']:.0f} MiB", own["mib"] <= row.mib, f"at most {row.mib:g} MiB")
    for what, limit in (("product", row.product), ("numpy", row.numpy)):
        if limit:
            other = alone(what, row, repeats)["cpu"]
            ratio = own["cpu"] / other
            verdict(f"{what} {other:.2f} s, x {ratio:.2f}", ratio <= limit, f"at most x {limit:g}")
    if row.peer:
        other, shown = peer_seconds(row)
        ratio = other / own["cpu"]
        verdict(
            f"scikit-activeml ~{other:.0f} s ({shown}), {ratio:.0f} times as much",
            ratio >= row.peer,
            f"at least {row.peer:g} times",
        )


def verdict(shown: str, met: bool, target: str) -> None:
    print(f"    {shown}; target {target}: {'met' if met else 'NOT met'}", flush=True)


def peer_seconds(row: Row) -> tuple[float, str]:
    """What scikit-activeml would take for the whole row, and how that was found."""
    part, batches = (4, (2, 8)) if row.name == "badge" else (1, (20, 60))
    short, long = (
        alone("peer", replace(row, picks=picks, items=row.items // part), 1) for picks in batches
    )
    slope = (long["cpu"] - short["cpu"]) / (batches[1] - batches[0])
    total = part * (short["cpu"] + slope * (row.picks - batches[0]))
    of = f" of a {part}th of the items" if part > 1 else ""
    return total, f"from {batches[0]} and {batches[1]} picks{of}, {long['mib']:.0f} MiB"


def alone(what: str, row: Row, repeats: int) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--measure", what, json.dumps(asdict(row))]
    done = subprocess.run([*command, "--repeats", str(repeats)], check=True, capture_output=True)
    return json.loads(done.stdout)


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


if __name__ == "__main__":
    main()
