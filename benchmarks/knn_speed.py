"""The exact neighbour graph against scikit-learn's brute force, in one process on the same cores.

    python benchmarks/knn_speed.py                              # 20,000 x 512
    python benchmarks/knn_speed.py --points 100000              # the target's size; minutes
    python benchmarks/knn_speed.py --points 1000000 --dims 256 --recall 0.95 --no-peer

Seconds of processor time are the figure on a machine that does other work too. The limit is half
of one float32 matrix product of all points with all points, since every product serves two rows.
Target at 100,000 x 512, k = 10: a quarter of the peer's time, processor and wall, and the same
neighbours (float32 ties aside).
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from sklearn.neighbors import NearestNeighbors

from classification.neighbours import knn_graph

TARGET = 4.0
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--dims", type=int, default=512)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--clusters", type=int, default=0, help="0: noise without structure")
    parser.add_argument("--recall", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    x = make_points(options.points, options.dims, clusters=options.clusters)
    before = peak_bytes()
    graph, ours = zip(
        *(
            timed(lambda: knn_graph(x, options.k, recall=options.recall))
            for _ in range(options.repeats)
        ),
        strict=True,
    )
    print(
        f"{options.points} x {options.dims}, k = {options.k}: {line(ours)}, recall "
        f"{graph[0].recall:.3f}, {(peak_bytes() - before) / 2**20:.0f} MiB beyond the points"
    )
    print(f"half a product of all with all: {half_product(x):.1f} s of processor, from a sample")
    if options.no_peer:
        return
    found, peers = zip(
        *(timed(lambda: peer(x, options.k)) for _ in range(options.repeats)), strict=True
    )
    print(f"scikit-learn brute force: {line(peers)}")
    ratios = [m(peers, i) / m(ours, i) for i in range(2)]
    same = (np.sort(found[0]) == np.sort(graph[0].index)).mean()
    print(
        f"ratio: {ratios[0]:.2f} of processor time, {ratios[1]:.2f} of wall; {same:.6f} of the "
        f"neighbours the same; target {TARGET:g}: {'met' if min(ratios) >= TARGET else 'NOT met'}"
    )


def make_points(n: int, d: int, *, clusters: int) -> np.ndarray:
    """Standard normal noise, around as many centres as asked for."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, d), dtype=np.float32)
    if clusters:
        x += 2 * rng.standard_normal((clusters, d), dtype=np.float32)[rng.integers(0, clusters, n)]
    return x


def peer(x: np.ndarray, k: int) -> np.ndarray:
    model = NearestNeighbors(n_neighbors=k, algorithm="brute", n_jobs=-1).fit(x)
    return np.asarray(model.kneighbors(return_distance=False))


def half_product(x: np.ndarray) -> float:
    """Seconds of processor time, scaled from 4,096 rows against as many."""
    rows = x[:4096]
    out = np.empty((len(rows), len(rows)), dtype=np.float32)
    _, (seconds, _) = timed(lambda: [np.matmul(rows, rows.T, out=out) for _ in range(3)])
    return seconds / 3 * (len(x) / len(rows)) ** 2 / 2


def timed(job: Callable[[], T]) -> tuple[T, tuple[float, float]]:
    """Its result, seconds of processor time and of wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = job()
    return result, (time.process_time() - cpu, time.perf_counter() - wall)


def m(times: tuple[tuple[float, float], ...], which: int) -> float:
    return statistics.median(t[which] for t in times)


def line(times: tuple[tuple[float, float], ...]) -> str:
    return f"{m(times, 0):.1f} s of processor, {m(times, 1):.1f} s wall (median of {len(times)})"


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
