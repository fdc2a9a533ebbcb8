"""From the last label to the next queries: a whole round on a pool of a million crops.

Plays a round as `train.py` does (labels out of the store, head fitted, all predicted, evaluated,
queries chosen and written) on 1,000,000 embeddings of 256 with 5,000 labels and the default
strategy; only the embeddings are there already, as they are from the second round on. The limit
beside it is one product of all embeddings with 1,000 columns. Target: under 60 s.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from classification.config import BackboneConfig, QueryConfig, RunConfig
from classification.data.dataset import Dataset
from classification.files import write_json
from classification.labelling.store import Decision, LabelStore
from classification.learning.backbones import weights_hash, write_weights
from classification.learning.embedder import build_embedder
from classification.learning.embeddings import Items, Kind
from classification.learning.fit import Bench, make_bench
from classification.paths import EmbeddingPaths, RunPaths
from classification.rounds import play_round

TARGET, DIM, LABELS = 60.0, 256, 5_000
NETWORK = "timm/test_resnet"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--strategy", default="auto")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench, store = _bench(Path(folder), options)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        waits = []
        for number in range(1, options.repeats + 1):
            began = time.perf_counter()
            play_round(bench, store, number)
            waits.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        limit = _product(bench)
    wait = statistics.median(waits)
    print(
        f"{options.items:,} x {DIM}, {LABELS:,} labels, {options.classes} classes, "
        f"{options.strategy}: {wait:.1f} s ({min(waits):.1f} to {max(waits):.1f}), "
        f"{(after - before) / 2**20:.1f} GiB above the dataset; one product with 1,000 columns "
        f"{limit:.1f} s, ratio {wait / limit:.1f}; target {TARGET:.0f} s: "
        + ("met" if wait < TARGET else "NOT met")
    )
    sys.exit(wait >= TARGET)


def _bench(folder: Path, options: argparse.Namespace) -> tuple[Bench, LabelStore]:
    """A run whose embeddings are computed, and a store that holds the labels."""
    rng = np.random.default_rng(0)
    paths = RunPaths(folder / "run")
    weights = folder / "weights.safetensors"
    network = build_embedder(NETWORK, "none", image_size=32, feat_dim=DIM, normalize=False, seed=0)
    write_weights(weights, network.state_dict())
    config = RunConfig(
        bootstrap=100,
        backbone=BackboneConfig(name=NETWORK, weights=str(weights), image_size=32, feat_dim=DIM),
        query=QueryConfig(strategy=options.strategy, size=100),
    )
    dataset, truth = _dataset(folder, options.items, options.classes, rng)
    bench = make_bench(config, dataset, paths)
    items = Items(paths=dataset.paths, sha256=dataset.table["sha256"].tolist())
    kind = Kind(weights=weights_hash(network), preprocessing=bench.inputs.preprocessing, dim=DIM)
    _write_embeddings(EmbeddingPaths(paths.embeddings, kind.key(items)), truth, kind, rng)
    write_json(paths.round(0).metrics, {"classes": list(dataset.classes)})
    store = LabelStore(paths.labels)
    asked = rng.permutation(dataset.rows("train"))[:LABELS]
    store.add(
        Decision(
            item=dataset.paths[i],
            verdict="label",
            label=dataset.classes[truth[i]],
            annotator="ann",
            source="app",
            round=0,
        )
        for i in asked
    )
    return bench, store


def _dataset(
    folder: Path, n: int, classes: int, rng: np.random.Generator
) -> tuple[Dataset, np.ndarray]:
    """Bursts of three frames at a thousand cameras, 97 % of them to train; labels are hidden."""
    burst, camera = np.arange(n) // 3, np.arange(n) // 3 % 1000
    truth = rng.choice(classes, size=burst.max() + 1, p=_long_tail(classes))[burst]
    split = np.where(camera < 970, "train", np.where(camera < 985, "val", "test"))
    names = tuple(f"species {i}" for i in range(classes))
    place = pd.Series(camera.astype(str))
    held = np.where(split == "train", -1, truth)
    table = pd.DataFrame(
        {
            "path": [f"{i:07d}.jpg" for i in range(n)],
            "dataset": "made",
            "location": place,
            "label": pd.Series([names[i] if i >= 0 else None for i in held], dtype="str"),
            "image_id": [str(i) for i in range(n)],
            "seq_id": pd.Series(burst.astype(str)),
            "group": place,
            "sha256": [f"{i:064x}" for i in range(n)],
        }
    )
    dataset = Dataset(
        table=table,
        split=split,
        classes=names,
        labels=held.astype(np.int64),
        crops=folder,
        hashes=dict.fromkeys(("table", "label_index", "splits", "test_split"), ""),
    )
    return dataset, truth


def _long_tail(classes: int) -> np.ndarray:
    share = 0.8 ** np.arange(classes)
    return share / share.sum()


def _write_embeddings(
    paths: EmbeddingPaths, truth: np.ndarray, kind: Kind, rng: np.random.Generator
) -> None:
    paths.folder.mkdir(parents=True)
    centres = rng.normal(size=(truth.max() + 1, DIM)).astype(np.float32)
    out = np.lib.format.open_memmap(
        paths.array, mode="w+", dtype=np.float32, shape=(len(truth), DIM)
    )
    for start in range(0, len(truth), 65_536):
        rows = truth[start : start + 65_536]
        noise = rng.standard_normal((len(rows), DIM), dtype=np.float32)
        out[start : start + len(rows)] = centres[rows] + 1.5 * noise
    out.flush()
    record = {"rows": len(truth), "dim": DIM, "model": kind.model, "dtype": "float32"}
    write_json(paths.progress, {**record, "done": len(truth)})


def _product(bench: Bench) -> float:
    found = next(bench.paths.embeddings.rglob("*.npy"))
    x = np.load(found)
    columns = np.ones((x.shape[1], 1000), dtype=np.float32)
    began = time.perf_counter()
    for start in range(0, len(x), 8192):
        np.matmul(x[start : start + 8192], columns)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
