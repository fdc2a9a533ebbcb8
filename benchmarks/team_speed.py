"""Embedding extraction by several processes against one process with as many threads.

    python benchmarks/team_speed.py [--processes 2] [--images 1024] [--backbone mobilenet_v2]

Both extract the same crops in turn, several times: one process with a thread per core, as without
--nproc, and processes of one thread each that torchrun would start. The median ratio of their rates
counts; the target is 0.9. The embeddings are compared: the limit is 1e-5.
"""

import argparse
import multiprocessing
import os
import socket
import statistics
import tempfile
from pathlib import Path

import numpy as np
import torch
from embedding_speed import HALF, draw_crops, seconds

from classification.learning.backbones import build_backbone, embedding_size
from classification.learning.crops import CropReader, Inputs, Preprocessing
from classification.learning.embeddings import Items, Kind, embed_items
from classification.learning.serve import serve
from classification.learning.team import ALONE, Team, end_process, joined

TARGET, MOST_DIFFERENCE = 0.9, 1e-5


def make_inputs(folder: Path, options: argparse.Namespace, team: Team) -> Inputs:
    threads = 1 if team.size > 1 else options.processes
    return Inputs(
        reader=CropReader(folder, size=options.image_size, threads=threads),
        preprocessing=Preprocessing(image_size=options.image_size, mean=HALF, std=HALF),
        device=torch.device("cpu"),
        team=team,
    )


def work(rank: int, port: int, folder: Path, options: argparse.Namespace) -> None:
    """One process: the first compares, the others help."""
    size = str(options.processes)
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_PORT": str(port)}
    os.environ |= {"WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size, "MASTER_ADDR": "localhost"}
    with joined() as team:
        inputs = make_inputs(folder, options, team)
        if rank:
            serve(inputs)
        else:
            compare(folder, inputs, options)
            team.tell(None)
    end_process(team)


def compare(folder: Path, together: Inputs, options: argparse.Namespace) -> None:
    backbone = build_backbone(options.backbone, "none", seed=0)
    kind = Kind(
        weights="w",
        preprocessing=together.preprocessing,
        dim=embedding_size(backbone, options.image_size),
    )
    names = sorted(path.name for path in folder.glob("*.jpg"))
    items = Items(paths=names, sha256=[f"{i:064d}" for i in range(len(names))])
    alone = make_inputs(folder, options, ALONE)
    found: dict[bool, np.ndarray] = {}

    def extract(inputs: Inputs) -> None:
        with tempfile.TemporaryDirectory() as store:
            rows = embed_items(backbone, inputs, items, kind=kind, folder=Path(store))
            found[inputs.team.size > 1] = np.array(rows)

    for inputs in (alone, together):  # warm up
        extract(inputs)
    times = [
        (seconds(lambda: extract(alone)), seconds(lambda: extract(together)))
        for _ in range(options.repeats)
    ]
    ratios = [one / many for one, many in times]
    ratio = statistics.median(ratios)
    rates = [len(names) / statistics.median(column) for column in zip(*times, strict=True)]
    difference = float(np.abs(found[True] - found[False]).max())
    print(
        f"{options.backbone}, {len(names)} crops: one process {rates[0]:.1f} images/s, "
        f"{options.processes} processes {rates[1]:.1f} images/s\n"
        f"ratio {ratio:.3f} (median of {options.repeats}, {min(ratios):.3f} to {max(ratios):.3f}); "
        f"target {TARGET}: {'met' if ratio >= TARGET else 'NOT met'}\n"
        f"largest difference of an embedding {difference:.1e}; limit {MOST_DIFFERENCE}: "
        + ("met" if difference <= MOST_DIFFERENCE else "NOT met")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        draw_crops(folder, options.images, 300)
        context = multiprocessing.get_context("spawn")
        ranks = [
            context.Process(target=work, args=(rank, port, folder, options))
            for rank in range(options.processes)
        ]
        for process in ranks:
            process.start()
        for process in ranks:
            process.join()


if __name__ == "__main__":
    main()
