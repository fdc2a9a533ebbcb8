"""Labels against macro-F1: every strategy, and scikit-activeml's, on the same features and seeds.

Frozen embeddings, splits by camera location (or burst), the head of the main job, 20 seeds. Each
strategy of ours runs as the main job runs it, with at most one frame of a burst per batch
(`--per-group 0` for the bare strategies); those of scikit-activeml as they are. Prints, for each
dataset, the area under the macro-F1 curve, its gain over random with a 95 % interval and a
Holm-corrected Wilcoxon test, labels to reach random's last level, the last score of a successor
of another kind (k nearest neighbours) and CPU seconds per query; then the mean over the datasets.

Datasets are folders as create_classification_dataset.py writes them. The default three come from
`make real` and from Fashion-MNIST's files, which this program turns into such a folder.
"""

import argparse
import os
from pathlib import Path

import pandas as pd

from classification.comparison.features import dataset_task
from classification.comparison.grid import play_grid
from classification.comparison.play import Entrant, Protocol
from classification.comparison.statistics import summary, win_matrix
from classification.comparison.task import Task
from classification.comparison.vision import write_vision_dataset
from classification.config import BackboneConfig
from classification.paths import ComparisonPaths
from classification.query import STRATEGIES
from classification.query.names import NEEDS_OPTIONS

HALF = (0.5, 0.5, 0.5)  # these weights take (x - 127.5) / 127.5
DEFAULT = ("caltech_night", "missouri", "fashion_mnist")
FASHION_IMAGES = 4_500


def main() -> None:
    options = _options()
    paths = ComparisonPaths(options.output)
    tasks = [_task(folder, options, paths) for folder in options.datasets]
    protocols = {task.name: _protocol(task, cold=options.cold) for task in tasks}
    for task in tasks:
        print(
            f"{task.name}: {len(task.labels)} items, {len(task.classes)} classes, "
            f"{len(set(task.units.tolist()))} units, {protocols[task.name]}"
        )
    results = play_grid(
        tasks,
        _entrants(options),
        protocols=protocols,
        seeds=range(options.seeds),
        paths=paths,
        processes=options.processes,
    )
    table = summary(results)
    table.to_csv(paths.summary, index=False)
    wins = win_matrix(results)
    wins.to_csv(paths.wins)
    pd.set_option("display.width", 200)
    for task, part in table.groupby("task", sort=False):
        print(f"\n{task}\n{part.drop(columns='task').to_string(index=False, float_format='%.3f')}")
    print(f"\nall\n{_overall(table, wins).to_string(float_format='%.3f')}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--datasets", type=Path, nargs="+", default=[Path("data/processed") / n for n in DEFAULT]
    )
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--weights", default="", help="file; default: mobilenet_v2 of --data")
    parser.add_argument("--output", type=Path, default=Path("runs/label_efficiency/shared"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--per-group", type=int, default=1)
    parser.add_argument("--strategies", nargs="+", default=[], help="default: all")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--cold", action="store_true", help="strategies choose the first labels")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _task(folder: Path, options: argparse.Namespace, paths: ComparisonPaths) -> Task:
    if folder.name == "fashion_mnist" and not folder.exists():
        write_vision_dataset(
            "fashion_mnist", folder, source=options.data / "fashion_mnist", images=FASHION_IMAGES
        )
    weights = options.weights or str(options.data / "backbones" / "mobilenet_v2_imagenet.pth")
    size = 96 if folder.name == "fashion_mnist" else 224  # 28 pixels hold no more
    backbone = BackboneConfig(
        name=options.backbone, weights=weights, image_size=size, mean=HALF, std=HALF
    )
    return dataset_task(folder, backbone, store=paths.embeddings)


def _protocol(task: Task, *, cold: bool) -> Protocol:
    """Nine steps to a labelled third of the pool, 40 labels each at most."""
    batch = max(5, min(40, len(task.labels) * 3 // 4 // 3 // 9))
    return Protocol(start=batch, batch=batch, rounds=8, cold=cold)


def _entrants(options: argparse.Namespace) -> list[Entrant]:
    names = options.strategies or [n for n in STRATEGIES if n not in NEEDS_OPTIONS]
    names = ["random", *(name for name in names if name != "random")]
    ours = [
        Entrant(
            name=n, strategy=n, options={"per_group": options.per_group} if n != "random" else {}
        )
        for n in names
    ]
    if options.no_peers:
        return ours
    from peers import scikit_activeml

    return ours + scikit_activeml()


def _overall(table: pd.DataFrame, wins: pd.DataFrame) -> pd.DataFrame:
    mean = table.groupby("strategy")[["area", "gain", "final", "successor", "seconds"]].mean()
    worse = (table["p"] < 0.05) & (table["gain"] < 0)
    mean["below_random"] = worse.groupby(table["strategy"]).sum()
    mean["wins"], mean["losses"] = wins.sum(axis=1), wins.sum(axis=0)
    return mean.sort_values("area", ascending=False)


if __name__ == "__main__":
    main()
