"""What the covering strategies lose when they work on a sample of the pool.

    python benchmarks/coverage_quality.py                # 30,000 items, about 5 minutes on 2 cores
    python benchmarks/coverage_quality.py --items 9000

Each strategy chooses a batch from all items, which is exact, and by way of samples of a half, a
third and a sixth of them, as it does on pools above its limit. What it maximises is then evaluated
on all items: the mean likeness to the nearest chosen one, weighted by uncertainty for
UHerding, and the share covered for ProbCover. Beside it, random picks; the last column is the share
of the exact gain over them that is kept. The features are a mixture of 60 Gaussians of 32
dimensions in 256.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from classification.query import Pool, select
from classification.query.distances import row_blocks, squared_distances, unit_rows
from classification.query.scores import margin

SHARES = (1, 1 / 2, 1 / 3, 1 / 6)
DELTA, NARROW = 0.7, 0.6


def make_pool(n: int, dims: int = 256, latent: int = 32, parts: int = 60) -> Pool:
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(latent, dims)).astype(np.float32) / np.sqrt(latent)
    centres = 2 * rng.normal(size=(parts, latent)).astype(np.float32)
    of = rng.choice(parts, n, p=rng.dirichlet(np.ones(parts)))
    rows = (centres[of] + rng.standard_normal((n, latent), dtype=np.float32)) @ basis
    rows += rng.standard_normal((n, dims), dtype=np.float32) / 10
    labelled = np.zeros(n, dtype=bool)
    labelled[:2] = True  # UHerding weighs nothing before there are labels
    logits = rows @ rng.normal(size=(dims, 10)).astype(np.float32) / 4
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Pool(
        embeddings=rows,
        probs=probs / probs.sum(axis=1, keepdims=True),
        labelled=labelled,
        labels=np.where(labelled, np.arange(n) % 2, -1),
    )


def objective(
    pool: Pool, picks: np.ndarray, likeness: Callable[[np.ndarray], np.ndarray], weights: np.ndarray
) -> float:
    """The weighted mean likeness of the unlabelled items to the nearest labelled or chosen one."""
    rows = unit_rows(pool.embeddings)
    centres = rows[np.concatenate([np.flatnonzero(pool.labelled), picks])]
    nearest = [squared_distances(rows[part], centres).min(axis=1) for part in row_blocks(len(pool))]
    return float(np.average(likeness(np.concatenate(nearest)), weights=weights * ~pool.labelled))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=30_000)
    parser.add_argument("--picks", type=int, nargs="+", default=[100, 1000])
    args = parser.parse_args()
    pool, one = make_pool(args.items), np.ones(args.items)
    assert pool.probs is not None
    rules = {
        "maxherding": ({"sigma": 1.0}, lambda squared: np.exp(-squared), one),
        "uherding": (
            {"sigma": NARROW, "temperature": 1.0},
            lambda squared: np.exp(-squared / NARROW**2),
            1 + margin(pool.probs),
        ),
        "probcover": ({"delta": DELTA}, lambda squared: squared < DELTA**2, one),
    }
    for name, (options, likeness, weights) in rules.items():
        for n in args.picks:
            drawn = select("random", pool, n, np.random.default_rng(1))
            floor = objective(pool, drawn, likeness, weights)
            print(f"{name}, {n} of {args.items:,}: random {floor:.4f}")
            exact = 0.0
            for share in SHARES:
                sample, start = round(share * args.items), time.process_time()
                picks = select(name, pool, n, np.random.default_rng(0), sample=sample, **options)
                seconds = time.process_time() - start
                value = objective(pool, picks, likeness, weights)
                exact = exact or value
                kept = (value - floor) / (exact - floor)
                print(
                    f"    sample {sample:6,}: {value:.4f}, x {value / exact:.4f}, {seconds:5.1f} s"
                    f", {kept:.3f} of the gain over random",
                    flush=True,
                )


if __name__ == "__main__":
    main()
