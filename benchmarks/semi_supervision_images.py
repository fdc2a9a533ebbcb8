"""What FixMatch on images adds to few labels: beside fine-tuning without it, and the head alone.

    OMP_NUM_THREADS=1 python benchmarks/semi_supervision_images.py

Crops of caltech_night, which `make real-caltech_night` writes, and a backbone of `--data`. Five
folds by camera and seed: one is unseen, one decides when to stop, as the validation split of a run
does; of the rest some crops, drawn at random, are labelled, and the others are the unlabelled pool.
Head, fine-tuning and FixMatch have the same labels, the latter two the same recipe and steps.
Scores are accuracy and macro-F1 on the unseen cameras and on the unlabelled pool, with the paired
difference to the head alone and the standard error over seeds.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from semi_supervision import compared
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GroupKFold

from classification.config_learning import FinetuneConfig, HeadConfig, SemiConfig
from classification.learning.backbones import build_backbone, embedding_size
from classification.learning.crops import CropReader, Inputs, Preprocessing
from classification.learning.finetune import Labelled, finetune
from classification.learning.fit import best_device
from classification.learning.fit_head import fit_head
from classification.learning.forward import forward
from classification.paths import DatasetPaths
from classification.schemas import CropTable, read_csv

# File and channel statistics that the weights were trained with.
BACKBONES = {
    "mobilenet_v2": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "squeezenet1_0": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
WHERE = ("unseen", "pool")


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Crops with classes and cameras, and the network to begin with."""

    inputs: Inputs
    weights: Path
    backbone: str
    paths: NDArray[np.str_]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]

    def items(self, rows: NDArray[np.intp]) -> Labelled:
        """Some of them with their classes."""
        return Labelled(paths=self.paths[rows].tolist(), labels=self.labels[rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--dataset", type=Path, default=Path("data/processed/caltech_night"))
    parser.add_argument("--backbone", choices=list(BACKBONES), default="mobilenet_v2")
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--labels", type=int, default=120)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--threshold", type=float, default=0.95)
    parser.add_argument("--ratio", type=int, default=3)
    parser.add_argument("--methods", nargs="+", default=["head", "fine-tuned", "FixMatch"])
    options = parser.parse_args()
    bench = make_bench(options)
    plain = FinetuneConfig(
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        label_smoothing=0.0,
    )
    semi = SemiConfig(weight=1.0, threshold=options.threshold, ratio=options.ratio)
    recipes = {"head": None, "fine-tuned": plain, "FixMatch": replace(plain, semi=semi)}
    print(
        f"{len(bench.labels)} crops of {options.image_size} px, {len(np.unique(bench.groups))} "
        f"cameras, {bench.labels.max() + 1} species, {options.labels} labels, {options.backbone}"
    )
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        chosen = {name: recipes[name] for name in options.methods}
        for key, value in one_seed(bench, chosen, n=options.labels, seed=seed):
            scores[key].append(value)
    report(scores, options.methods)


def make_bench(options: argparse.Namespace) -> Bench:
    """The boxed crops: whole frames are another task."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    paths = DatasetPaths(options.dataset)
    table = pd.read_csv(paths.table, dtype=str)
    cut = read_csv(paths.crop_table, CropTable, what="crop table").query("status == 'crop'")
    table = table[table["path"].isin(cut["path"])]
    labels, groups = (pd.factorize(table[c], sort=True)[0] for c in ("label", "group"))
    mean, std = BACKBONES[options.backbone]
    size = options.image_size
    return Bench(
        inputs=Inputs(
            reader=CropReader(paths.crops, size=size, threads=1, keep=True),
            preprocessing=Preprocessing(image_size=size, mean=mean, std=std),
            device=best_device(),
        ),
        weights=options.data / "backbones" / f"{options.backbone}_imagenet.pth",
        backbone=options.backbone,
        paths=table["path"].to_numpy(dtype=str),
        labels=labels.astype(np.int64),
        groups=groups.astype(np.int64),
    )


def one_seed(
    bench: Bench, recipes: dict[str, FinetuneConfig | None], *, n: int, seed: int
) -> Iterator[tuple[tuple[str, str], float]]:
    """((method, what is measured), value) of every method on one split."""
    folds = GroupKFold(5, shuffle=True, random_state=seed)
    parts = [held for _, held in folds.split(bench.paths, bench.labels, bench.groups)]
    test, val, pool = parts[0], parts[1], np.concatenate(parts[2:])
    taught = np.random.default_rng(seed).permutation(pool)[:n]
    rest = np.setdiff1d(pool, taught)
    for method, recipe in recipes.items():
        start = time.process_time()
        probs = predictions(bench, recipe, taught=taught, val=val, rest=rest, seed=seed)
        seconds = time.process_time() - start
        yield (method, "seconds"), seconds
        shown = []
        for where, rows in zip(WHERE, (test, rest), strict=True):
            truth, guess = bench.labels[rows], probs[rows].argmax(axis=1)
            macro = float(f1_score(truth, guess, average="macro"))
            accuracy = float(accuracy_score(truth, guess))
            yield (method, f"{where} accuracy"), accuracy
            yield (method, f"{where} macro-F1"), macro
            shown.append(f"{where} accuracy {accuracy:.3f} macro-F1 {macro:.3f}")
        print(f"  seed {seed}  {method:10s}  {'  '.join(shown)}  {seconds:.0f} s", flush=True)


def predictions(
    bench: Bench,
    recipe: FinetuneConfig | None,
    *,
    taught: NDArray[np.intp],
    val: NDArray[np.intp],
    rest: NDArray[np.intp],
    seed: int,
) -> NDArray[np.float32]:
    """Probabilities of all crops by the backbone and the head that a run would have."""
    n_classes = int(bench.labels.max()) + 1
    backbone = build_backbone(bench.backbone, str(bench.weights), seed=seed)
    if recipe is not None:
        finetune(
            backbone,
            bench.inputs,
            train=bench.items(taught),
            val=bench.items(val),
            dim=embedding_size(backbone, bench.inputs.preprocessing.image_size),
            n_classes=n_classes,
            config=recipe,
            seed=seed,
            unlabelled=bench.paths[rest].tolist(),
        )
    rows = np.concatenate(list(forward(backbone, bench.inputs, bench.paths.tolist())))
    head = fit_head(rows[taught], bench.labels[taught], config=HeadConfig(), seed=seed)
    return head.predict(rows, n_classes)


def report(scores: dict[tuple[str, str], list[float]], methods: list[str]) -> None:
    """A line per method: means, and the paired difference to the first one."""
    for method in methods:
        parts = []
        for what in (f"{where} {score}" for where in WHERE for score in ("accuracy", "macro-F1")):
            values = np.array(scores[method, what])
            parts.append(f"{what} {compared(values, np.array(scores[methods[0], what]))}")
        seconds = np.mean(scores[method, "seconds"])
        print(f"{method:10s}  {'  '.join(parts)}  {seconds:.0f} s")


if __name__ == "__main__":
    main()
