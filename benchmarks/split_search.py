"""Splits by location: score and seconds beside animl-ml's and MegaDetector's 10,000 draws.

    python benchmarks/split_search.py           # 140 x 20, 600 x 60, 4,000 x 200
    python benchmarks/split_search.py --quick   # the peer's loop on 300 draws, scaled

The table is made up as an archive looks: few species at a location, species and crops per location
with long tails. The peers' loop is re-enacted here with the same data frame operations, in the same
process; seconds are of processor time, so that a busy machine does not count.

Limits: at least 50 times faster and half the score at 140 x 20 and 600 x 60; 4,000 locations
and 200 classes in 10 s with every class in every split.
"""

import argparse
import time

import numpy as np
import pandas as pd

from classification.data.split_local import local_search
from classification.data.split_problem import SplitProblem
from classification.data.split_search import random_search

SIZES = [(140, 20), (600, 60), (4000, 200)]
FRACTIONS = np.array([0.7, 0.15, 0.15])
NAMES = ("train", "val", "test")


def archive(locations: int, labels: int) -> np.ndarray:
    """Crops of each label at each location: float64 [locations, labels]."""
    rng = np.random.default_rng(0)
    popularity = rng.zipf(1.6, labels).clip(1, 200).astype(float)
    popularity = 0.5 * popularity / popularity.sum() + 0.5 / labels
    crops = np.zeros((locations, labels))
    for location in range(locations):
        shown = rng.choice(labels, min(labels, 1 + rng.poisson(5)), replace=False, p=popularity)
        crops[location, shown] = np.ceil(rng.lognormal(2.5, 1.5, len(shown)))
    return crops[:, crops.any(axis=0)]


def peer_search(crops: np.ndarray, draws: int) -> tuple[np.ndarray, float]:
    """The draws of the peers: the best split, and its score with animl-ml's extra term."""
    counts = pd.DataFrame(crops, index=[f"d/loc{i}" for i in range(len(crops))])
    total, locations = counts.sum(), (counts > 0).sum()
    distribution = total / total.sum()
    rng = np.random.RandomState(0)  # the peers' generator
    best_score, best = np.inf, np.zeros(len(crops), dtype=int)
    for _ in range(draws):
        n_train = int(len(counts) * (FRACTIONS[0] + rng.uniform(-0.03, 0.03)))
        n_val = int(len(counts) * (FRACTIONS[1] + rng.uniform(-0.03, 0.03)))
        order = rng.permutation(len(counts))
        permuted = counts.index[order]
        parts = {
            "train": permuted[:n_train],
            "val": permuted[n_train : n_train + n_val],
            "test": permuted[n_train + n_val :],
        }
        score = 0.0
        for (name, part), fraction in zip(parts.items(), FRACTIONS, strict=True):
            rows = counts.loc[part]
            if name != "train":
                score += 2 * ((rows.sum() / rows.sum().sum() - distribution) ** 2).sum()
            score += 2 * ((rows.sum() / total - fraction) ** 2).sum()
            score += (((rows > 0).sum() / locations - fraction) ** 2).sum()
        if score < best_score:
            best_score = score
            best[order] = np.repeat([0, 1, 2], [n_train, n_val, len(order) - n_train - n_val])
            best = best.copy()
    return best, best_score


def distribution_term(crops: np.ndarray, split: np.ndarray) -> float:
    """What animl-ml adds to MegaDetector's score."""
    share = [crops[split == s].sum(axis=0) for s in (1, 2)]
    whole = crops.sum(axis=0) / crops.sum()
    return sum(2 * float(((part / part.sum() - whole) ** 2).sum()) for part in share)


def absent(crops: np.ndarray, split: np.ndarray) -> int:
    """Pairs of class and split without a crop."""
    return sum(int((crops[split == s].sum(axis=0) == 0).sum()) for s in range(3))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="300 of the peer's draws, scaled")
    args = parser.parse_args()
    print("score: MegaDetector's / animl-ml's; absent: class and split without a crop")
    for locations, labels in SIZES:
        crops = archive(locations, labels)
        problem = SplitProblem(
            counts=np.hstack([crops, (crops > 0).astype(float)]),
            fractions=FRACTIONS,
            allowed=np.ones((locations, 3), dtype=bool),
            minimum=(5, 1),
        )
        draws = 300 if args.quick or locations > 1000 else 10_000
        print(f"{locations} locations x {crops.shape[1]} classes")
        start = time.process_time()
        peer, peer_score = peer_search(crops, draws)
        seconds = (time.process_time() - start) / draws * 10_000
        _report(f"animl-ml, {draws} draws", problem, crops, peer, seconds, seconds)
        assert abs(problem.score(peer) + distribution_term(crops, peer) - peer_score) < 1e-6
        for name, method in (("random", random_search), ("search", local_search)):
            start = time.process_time()
            found = method(problem, np.random.default_rng(0))
            split = found if isinstance(found, np.ndarray) else found.split  # type: ignore[union-attr]
            _report(
                f"fieldmark {name}", problem, crops, split, time.process_time() - start, seconds
            )


def _report(
    name: str,
    problem: SplitProblem,
    crops: np.ndarray,
    split: np.ndarray,
    seconds: float,
    peer_seconds: float,
) -> None:
    score = problem.score(split)
    print(
        f"  {name:22} {seconds:7.2f} s (x{peer_seconds / seconds:6.1f})   score {score:7.3f} / "
        f"{score + distribution_term(crops, split):7.3f}   absent {absent(crops, split)}"
    )


if __name__ == "__main__":
    main()
