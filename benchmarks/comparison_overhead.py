"""What the comparison loop costs beside the training and querying that it runs: less than 5 %.

    OMP_NUM_THREADS=1 python benchmarks/comparison_overhead.py

Plays whole curves, in this process, and takes processor time around all of it: hashing the data,
splits, records, scores, tables. The floor is the sum of the training and the query times of the
rounds, taken around the calls of the learner and of the strategy alone, and that of the second
classifier at the end of each curve. Frozen embeddings are the hard case: a fit takes 0.03 s.
Medians over repetitions, each in a fresh folder.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from classification.comparison.data_prep import ArrayImages, DataPrep
from classification.comparison.end_to_end import EndToEnd, image_task
from classification.comparison.grid import play_grid
from classification.comparison.play import Entrant, Protocol
from classification.comparison.task import Task
from classification.config_learning import FinetuneConfig
from classification.files import read_json
from classification.paths import ComparisonPaths

TARGET = 1.05
ENTRANTS = [Entrant(name=name, strategy=name) for name in ("random", "margin", "badge")]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--items", type=int, default=4_000)
    options = parser.parse_args()
    cases = {
        "frozen, 1280 features, 30 curves": (
            frozen(options.items),
            Protocol(start=40, batch=40, rounds=8),
            10,
        ),
        "end to end, ResNet-20, 3 curves": (trained(), Protocol(start=64, batch=64, rounds=1), 1),
    }
    for name, (task, protocol, seeds) in cases.items():
        played(task, protocol, 1)  # imports and caches are not the loop's
        found = [played(task, protocol, seeds) for _ in range(options.repeats)]
        ratios, floors = zip(*found, strict=True)
        ratio = median(ratios)
        verdict = "met" if ratio < TARGET else "MISSED"
        print(
            f"{name}: {median(floors):.2f} s of training and querying, all of it {ratio:.3f} times "
            f"that ({min(ratios):.3f} to {max(ratios):.3f}); target < {TARGET}: {verdict}"
        )


def played(task: Task, protocol: Protocol, seeds: int) -> tuple[float, float]:
    """All processor time over that of training and querying, and the latter in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        results = play_grid(
            [task],
            ENTRANTS,
            protocols={task.title: protocol},
            seeds=range(seeds),
            paths=ComparisonPaths(Path(folder)),
            processes=0,
        )
        spent = time.process_time() - began
        records = [
            read_json(Path(folder) / curve, what="curve") for curve in results["curve"].unique()
        ]
    floor = float(results[["seconds", "training_seconds"]].to_numpy().sum())
    floor += sum(record["rows"][-1]["successor_seconds"] for record in records)
    return spent / floor, floor


def frozen(n: int, *, classes: int = 10, dim: int = 1280) -> Task:
    """Embeddings as MobileNetV2 makes them: positive, many features, classes that overlap."""
    rng = np.random.default_rng(0)
    labels = rng.integers(classes, size=n)
    centres = rng.gamma(1.0, 0.5, size=(classes, dim))
    x = np.maximum(centres[labels] + rng.normal(scale=1.5, size=(n, dim)), 0)
    bursts = np.arange(n) // 3
    return Task(
        name="generated",
        embeddings=x.astype(np.float32),
        labels=labels,
        classes=tuple(map(str, range(classes))),
        units=bursts // 5,
        bursts=bursts,
    )


class Noise(DataPrep):
    """Images of 32 pixels; what they show costs no time."""

    name, classes = "noise", tuple(map(str, range(10)))

    def __init__(self, pool: int = 300, tested: int = 150) -> None:
        rng = np.random.default_rng(0)
        self.train = self.query = self._images(pool, rng)
        self.test = self._images(tested, rng)

    def _images(self, n: int, rng: np.random.Generator) -> ArrayImages:
        pixels = rng.integers(256, size=(n, 32, 32, 3), dtype=np.uint8)
        return ArrayImages(pixels=pixels, targets=np.arange(n, dtype=np.int64) % 10)


def trained() -> Task:
    """ResNet-20, three epochs a round: few, as a round should be for the loop to weigh much."""
    recipe = FinetuneConfig(epochs=3, batch_size=32, loader="single", augment="light")
    return image_task(EndToEnd(prep=Noise(), network="resnet20", recipe=recipe))


if __name__ == "__main__":
    main()
