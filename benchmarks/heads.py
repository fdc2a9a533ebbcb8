"""The three heads beside scikit-learn's MLP with the settings of the older tool, by labels spent.

    OMP_NUM_THREADS=1 python benchmarks/heads.py

Frozen MobileNetV2 features of caltech_night and missouri (`make real` writes the crops). Cameras or
bursts are dealt into train, validation and test (50, 20 and 30 % of the items) anew for each seed;
labels are drawn at random from train. Scores are macro-F1 on test; the difference is the paired one
to logistic regression, with its standard error over seeds. "seconds" is processor time of one fit.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score
from sklearn.neural_network import MLPClassifier

from classification.comparison.features import dataset_task
from classification.comparison.task import Task
from classification.config import BackboneConfig, HeadConfig
from classification.learning.fit_head import Known, fit_head

HALF = (0.5, 0.5, 0.5)  # these weights take (x - 127.5) / 127.5
WEIGHTS = "mobilenet_v2_imagenet.pth"
Predict = Callable[[Known, Known, np.ndarray, int], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--datasets", nargs="+", default=["caltech_night", "missouri"])
    parser.add_argument("--labels", nargs="+", type=int, default=[60, 240, 480])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    weights = str(options.data / "backbones" / WEIGHTS)
    backbone = BackboneConfig(name="mobilenet_v2", weights=weights, mean=HALF, std=HALF)
    for name in options.datasets:
        store = Path("runs/mobilenet_v2") / name / "embeddings"
        task = dataset_task(Path("data/processed") / name, backbone, store=store)
        for n in options.labels:
            table: dict[str, list[tuple[float, float]]] = {}
            for seed in range(options.seeds):
                for head, *result in one_seed(task, n, seed):
                    table.setdefault(head, []).append((result[0], result[1]))
            if table:
                report(name, n, table)


def one_seed(task: Task, n: int, seed: int) -> Iterator[tuple[str, float, float]]:
    """Head, macro-F1 on test, and seconds; nothing where train has fewer than `n` items."""
    rng = np.random.default_rng(seed)
    train, val, test = deal(task.units, rng)
    if len(train) < n:
        return
    rows = rng.permutation(train)[:n]
    x, y = task.embeddings, task.labels
    known = Known(embeddings=x[rows], labels=y[rows])
    held = Known(embeddings=x[val], labels=y[val])
    for head, predict in HEADS.items():
        start = time.process_time()
        guess = predict(known, held, x[test], seed)
        seconds = time.process_time() - start
        present = np.unique(y[test])
        score = f1_score(y[test], guess, labels=present, average="macro")
        yield head, float(score), seconds


def deal(units: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Positions of train, validation and test; a unit is in one of them."""
    order = rng.permutation(np.unique(units))
    share = np.cumsum([np.sum(units == unit) for unit in order]) / len(units)
    part = np.digitize(share, [0.5, 0.7], right=True)
    return [np.flatnonzero(np.isin(units, order[part == number])) for number in range(3)]


def of_config(config: HeadConfig) -> Predict:
    """This project's head, stopped by validation as in a round."""

    def predict(known: Known, held: Known, x: np.ndarray, seed: int) -> np.ndarray:
        head = fit_head(known.embeddings, known.labels, config=config, val=held, seed=seed)
        return head.predict(x, int(known.labels.max()) + 1).argmax(axis=1)

    return predict


def of_peer(known: Known, held: Known, x: np.ndarray, seed: int) -> np.ndarray:
    """scikit-learn's MLP as the older tool set it, on standardised embeddings."""
    del held
    mean, scale = known.embeddings.mean(axis=0), known.embeddings.std(axis=0) + 1e-6
    model = MLPClassifier(
        (230, 100),
        alpha=1e-4,
        learning_rate_init=1e-4,
        max_iter=2000,
        tol=1e-6,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit((known.embeddings - mean) / scale, known.labels)
    return np.asarray(model.predict((x - mean) / scale))


HEADS: dict[str, Predict] = {
    "logistic": of_config(HeadConfig()),
    "linear": of_config(HeadConfig(kind="linear")),
    "mlp": of_config(HeadConfig(kind="mlp")),
    "scikit-learn MLP": of_peer,
}


def report(name: str, n: int, table: dict[str, list[tuple[float, float]]]) -> None:
    """A line for each head."""
    base = np.array([score for score, _ in table["logistic"]])
    for head, results in table.items():
        scores = np.array([score for score, _ in results])
        seconds = float(np.median([spent for _, spent in results]))
        gain = scores - base
        error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else 0.0
        print(
            f"{name:14} {n:4} labels  {head:17} macro-F1 {scores.mean():.3f}  "
            f"against logistic {gain.mean():+.3f} (se {error:.3f})  {seconds:6.2f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
