"""A run folder of one round, without training: for what reads runs."""

from pathlib import Path

import numpy as np

from classification.data.dataset import read_classes
from classification.data.splits import assign_splits, read_splits
from classification.data.table import read_table
from classification.files import write_json
from classification.paths import DatasetPaths, RunPaths
from classification.predictions import write_predictions
from classification.schemas import TrainTable, write_csv


def write_run(run: Path, dataset: Path, *, wrong: str = "", learned: int = 3) -> list[str]:
    """Round 0 is certain of every label but that of `wrong`; paths of the items it learned from."""
    paths, last = DatasetPaths(dataset), RunPaths(run).round(0)
    table, classes = read_table(paths.table), read_classes(paths.label_index)
    ids = np.array([classes.index(label) for label in table["label"]])
    ids[(table["path"] == wrong).to_numpy()] += 1
    probs = np.full((len(table), len(classes)), 0.1 / len(classes), dtype=np.float32)
    probs[np.arange(len(table)), ids % len(classes)] += 0.9
    split = assign_splits(table, read_splits(paths.splits))
    write_predictions(
        last.predictions, list(table["path"]), probs,
        classes=classes, split=split, labels=table["label"],
    )  # fmt: skip
    train = table[split == "train"].head(learned)[["path", "label"]]
    write_csv(last.train, train.assign(source="oracle", annotator="oracle", round=0), TrainTable)
    write_json(last.metrics, {"round": 0})
    return list(train["path"])
