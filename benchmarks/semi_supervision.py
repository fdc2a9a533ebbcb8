"""What unlabelled items add to few labels: propagation and FixMatch beside logistic regression.

    OMP_NUM_THREADS=1 python benchmarks/semi_supervision.py

Frozen MobileNetV2 features of caltech_night and missouri, which `make real` writes. Five folds by
camera or burst, each with labels drawn at random from the other folds, the rest of which is the
unlabelled pool. Scores are macro-F1 on the fold that was left out ("unseen") and on the rest of the
pool ("pool", what pseudo-labels are for), and the paired difference to logistic regression on the
same labels, with the standard error over seeds.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from classification.learning.fixmatch import fit_fixmatch
from classification.learning.fixmatch_config import FixMatchConfig
from classification.learning.fixmatch_data import class_targets
from classification.learning.propagation import label_graph, propagate
from classification.linear import fit_linear
from classification.neighbours import NeighbourGraph

Scores = dict[tuple[str, str], list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/mobilenet_v2"))
    parser.add_argument("--datasets", nargs="+", default=["caltech_night", "missouri"])
    parser.add_argument("--labels", nargs="+", type=int, default=[60, 120, 240])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folds", type=int, default=5, help="how many of the five to score")
    parser.add_argument("--neighbours", type=int, default=10)
    options = parser.parse_args()
    for name in options.datasets:
        x, y, groups = features(options.runs, name)
        graph = label_graph(x, options.neighbours)
        print(f"{name}: {len(x)} items, {y.max() + 1} species, {len(np.unique(groups))} groups")
        for n in options.labels:
            by_seed: Scores = defaultdict(list)
            for seed in range(options.seeds):
                folds: Scores = defaultdict(list)
                for key, value in one_seed(
                    x, y, groups, graph, n=n, seed=seed, count=options.folds
                ):
                    folds[key].append(value)
                for key, values in folds.items():
                    by_seed[key].append(float(np.mean(values)))
            report(n, by_seed)


def features(runs: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings, class ids and groups of a data set, in the order of its table."""
    table = pd.read_csv(Path("data/processed") / name / "classification_ds.csv", dtype=str)
    stored = sorted((runs / name / "embeddings").glob("*.npy"))
    if not stored:
        raise SystemExit(f"no embeddings of {name}: run make real-{name} first")
    labels, groups = (pd.factorize(table[c], sort=True)[0] for c in ("label", "group"))
    return np.load(stored[-1]).astype(np.float32), labels.astype(np.int64), groups


def one_seed(
    x: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    graph: NeighbourGraph,
    *,
    n: int,
    seed: int,
    count: int,
) -> Iterator[tuple[tuple[str, str], float]]:
    """((method, where), score) of every fold."""
    rng = np.random.default_rng(seed)
    folds = GroupKFold(5, shuffle=True, random_state=seed).split(x, y, groups)
    for pool, test in islice(folds, count):
        taught = rng.permutation(pool)[:n]
        rest = np.setdiff1d(pool, taught)
        for method, probs, seconds in predictions(x, y, graph, taught, pool, seed=seed):
            guess = probs.argmax(axis=1)
            yield (method, "seconds"), seconds
            yield (method, "unseen"), f1_score(y[test], guess[test], average="macro")
            if len(rest):
                yield (method, "pool"), f1_score(y[rest], guess[rest], average="macro")


def predictions(
    x: np.ndarray,
    y: np.ndarray,
    graph: NeighbourGraph,
    taught: np.ndarray,
    pool: np.ndarray,
    *,
    seed: int,
) -> Iterator[tuple[str, np.ndarray, float]]:
    """Method, probabilities of all items, seconds of processor time."""
    n_classes = int(y.max()) + 1
    start = time.process_time()
    logistic = fit_linear(x[taught], y[taught]).predict(x, n_classes)
    yield "logistic", logistic, time.process_time() - start

    start = time.process_time()
    labels = np.full(len(y), -1)
    labels[taught] = y[taught]
    spread = propagate(graph, labels, n_classes)
    yield "propagation", spread.probs, time.process_time() - start
    yield "logistic x propagation", logistic * (spread.probs + 1e-3), time.process_time() - start

    targets = class_targets(labels[pool], n_classes)
    for name, config in (
        ("labels alone", FixMatchConfig(weight=0)),
        ("FixMatch", FixMatchConfig()),
        ("FixMatch, hidden 256", FixMatchConfig(hidden=(256,))),
    ):
        start = time.process_time()
        model = fit_fixmatch(x[pool], targets, config=config, seed=seed)
        yield name, model.predict(x), time.process_time() - start


def report(n: int, scores: Scores) -> None:
    """A line per method."""
    for method in dict.fromkeys(method for method, _ in scores):
        parts = []
        for where in ("unseen", "pool"):
            values = np.array(scores[method, where])
            if not len(values):
                continue
            parts.append(f"{where} {compared(values, np.array(scores['logistic', where]))}")
        seconds = np.mean(scores[method, "seconds"])
        print(f"  {n:4d} labels  {method:24s} {'  '.join(parts)}  {seconds:.2f} s")


def compared(values: NDArray[np.float64], base: NDArray[np.float64]) -> str:
    """Mean, paired difference to the base and its standard error."""
    gain = values - base
    error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else 0.0
    return f"{values.mean():.3f} ({gain.mean():+.3f} ± {error:.3f})"


if __name__ == "__main__":
    main()
