"""Taking in what Timelapse returns for a million images: seconds and memory.

    python benchmarks/timelapse_speed.py

Two files: every image with a species, 1,000 of them asked for (a round), and all asked for. Limits:
20 s and 2 GB. The peer and physical limit is pandas.read_csv of the same file, with nothing checked
and nothing stored. Each run is a process of its own; the median of the runs is printed.
"""

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from classification.labelling.store import LabelStore
from classification.labelling.timelapse.exchange import SUCCESS, Request, take_in
from classification.labelling.timelapse.selector import split_item
from classification.paths import crop_name

SPECIES = [f"species_{i:02d}" for i in range(60)]
CAMERAS = 500


def item(number: int) -> str:
    camera = number % CAMERAS
    return crop_name(f"camera_{camera:03d}/day {number % 7}/IMG_{number:07d}.JPG", f"a{number:07d}")


def write_returned(path: Path, images: int) -> None:
    """A whole export: Windows paths, semicolons, a mark at the start, Timelapse's own columns."""
    with path.open("w", encoding="utf-8-sig", newline="") as f:
        rows = csv.writer(f, delimiter=";")
        rows.writerow(["RootFolder", "File", "RelativePath", "DateTime", "DeleteFlag", "Species"])
        for n in range(images):
            file, folder = split_item(item(n))
            when = "2024-05-06 07:08:09"
            rows.writerow(["crops", file, folder, when, "false", SPECIES[n * 7 % len(SPECIES)]])


def take(path: Path, images: int, asked: int) -> None:
    """What `label.py import` does with the file, its dataset being known."""
    items = [item(n) for n in range(images)]
    request = Request(
        items=items, query=items[:: images // asked], round=0, classes=SPECIES, annotator="ann"
    )
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        store = LabelStore(Path(folder) / "labels.db")
        start = measure()
        lines = take_in(store, request, path, key="ab", problems=Path(folder) / "problems.csv")
        report(start)
        assert lines[0] == SUCCESS, lines
        assert not store.undecided(request.query)


def read(path: Path) -> None:
    """The peer."""
    import pandas as pd

    start = measure()
    table = pd.read_csv(path, sep=";")
    report(start)
    assert len(table)


def measure() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def report(start: tuple[float, float]) -> None:
    wall, cpu = (b - a for a, b in zip(start, measure(), strict=True))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"wall": wall, "cpu": cpu, "memory": memory}))


def median(arguments: list[str], runs: int) -> dict[str, float]:
    """Median seconds and GB of this program called with `arguments`."""
    found = []
    for _ in range(runs):
        command = [sys.executable, __file__, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: statistics.median(f[key] for f in found) for key in found[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs=2, metavar=("FILE", "ASKED"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        path, asked = Path(args.only[0]), int(args.only[1])
        take(path, args.images, asked) if asked else read(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.csv"
        write_returned(path, args.images)
        common = ["--images", str(args.images), "--only", str(path)]
        peer = median([*common, "0"], args.runs)
        print(f"{args.images} rows, {path.stat().st_size / 1e6:.0f} MB; limits 20 s and 2 GB")
        for name, asked in (("1,000 asked for", 1000), ("all asked for", args.images)):
            ours = median([*common, str(min(asked, args.images))], args.runs)
            print(
                f"fieldmark, {name}: {ours['wall']:.1f} s wall, {ours['cpu']:.1f} s CPU, peak "
                f"{ours['memory']:.2f} GB; CPU {ours['cpu'] / peer['cpu']:.1f} times read_csv's"
            )
        print(
            f"pandas.read_csv: {peer['wall']:.1f} s wall, {peer['cpu']:.1f} s CPU, peak "
            f"{peer['memory']:.2f} GB"
        )


if __name__ == "__main__":
    main()
