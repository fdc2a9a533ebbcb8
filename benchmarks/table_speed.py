"""Step 5 on a big archive: seconds and memory for the classification table.

    python benchmarks/table_speed.py

Limits: 1 million annotations in 60 s and 4 GB. The peer is animl-ml's create_classification_csv,
which looks every image up by scanning a data frame; its loop is re-enacted on a sample of the
annotations and scaled, since all of them would take minutes at 40 thousand and days at a million.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from classification.paths import DatasetPaths, crop_name
from classification.schemas import CropTable, write_csv

SPECIES = 60
LOCATIONS = 1_000


def write_archive(root: Path, annotations: int) -> Path:
    """CCT, crop table and (empty) crop files; returns the path of the JSON."""
    rng = np.random.default_rng(0)
    images = annotations * 2 // 3
    of_image = np.sort(rng.integers(images, size=annotations))
    names = [f"loc{i % LOCATIONS:04d}/img_{i:07d}.jpg" for i in range(images)]
    category = rng.zipf(1.5, annotations) % SPECIES + 1
    cct = {
        "info": {"version": "1.0"},
        "images": [
            {
                "id": f"i{i:07d}",
                "file_name": name,
                "width": 2048,
                "height": 1536,
                "location": f"loc{i % LOCATIONS:04d}",
                "seq_id": f"s{i // (3 * LOCATIONS):05d}_{i % LOCATIONS:04d}",
                "datetime": "2024-05-06 07:08:09",
            }
            for i, name in enumerate(names)
        ],
        "annotations": [
            {
                "id": f"a{n:07d}",
                "image_id": f"i{i:07d}",
                "category_id": int(c),
                "bbox": [9, 9, 99, 99],
            }
            for n, (i, c) in enumerate(zip(of_image, category, strict=True))
        ],
        "categories": [{"id": i, "name": f"species_{i:02d}"} for i in range(1, SPECIES + 1)],
    }
    path = root / "archive_cct.json"
    path.write_text(json.dumps(cct))
    write_crops(DatasetPaths(root), cct, names, of_image)
    return path


def write_crops(
    paths: DatasetPaths, cct: dict[str, Any], names: list[str], of_image: np.ndarray
) -> None:
    crops = [
        crop_name(names[i], annotation["id"])
        for i, annotation in zip(of_image, cct["annotations"], strict=True)
    ]
    for folder in {Path(crop).parent for crop in crops}:
        (paths.crops / folder).mkdir(parents=True, exist_ok=True)
    for crop in crops:
        (paths.crops / crop).touch()
    table = pd.DataFrame(
        {
            "path": crops,
            "image_id": [a["image_id"] for a in cct["annotations"]],
            "annotation_id": [a["id"] for a in cct["annotations"]],
            "status": "crop",
            "reason": None,
            "source": [names[i] for i in of_image],
            "source_width": 2048.0,
            "source_height": 1536.0,
            "width": 99.0,
            "height": 99.0,
            "sha256": [f"{n:064x}" for n in range(len(crops))],
        }
    )
    write_csv(paths.crop_table, table, CropTable)


def peer_seconds(images: int, sample: int) -> float:
    """Seconds that the peer's loop takes for `images` annotations of as many images."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "id": [f"i{i:07d}" for i in range(images)],
            "file_name": [f"{i}.jpg" for i in range(images)],
            "location": [f"loc{i % LOCATIONS}" for i in range(images)],
        },
        dtype=object,  # as in the pandas that the peer supports; strings of pandas 3 are faster
    )
    categories = pd.DataFrame({"id": range(SPECIES), "name": [f"s{i}" for i in range(SPECIES)]})
    start, rows = time.perf_counter(), []
    for n in range(sample):
        image = frame.loc[frame.id == f"i{rng.integers(images):07d}"]
        name = image.iloc[0]["file_name"]
        location = image.iloc[0]["location"] or "unknown_location"
        category = categories.loc[categories.id == n % SPECIES].iloc[0]["name"]
        rows.append([f"{name}___crop_{n}.jpg", "combined", location, category, 1, category])
    pd.DataFrame(rows)
    return (time.perf_counter() - start) / sample * images


def step_seconds(root: Path, cct: Path) -> tuple[float, float]:
    """Wall-clock seconds and peak memory in GB of the step in a process of its own."""
    script = Path(__file__).parents[1] / "utils" / "create_classification_dataset.py"
    start = time.perf_counter()
    subprocess.run([sys.executable, script, root, "--cct-json", cct, "--mode", "csv"], check=True)
    seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--annotations", type=int, default=1_000_000)
    parser.add_argument("--peer-images", type=int, default=40_000)
    parser.add_argument("--peer-sample", type=int, default=500, help="annotations looked up")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "archive"
        root.mkdir()
        cct = write_archive(root, args.annotations)
        seconds, memory = step_seconds(root, cct)
        print(f"fieldmark: {args.annotations} annotations in {seconds:.1f} s, peak {memory:.1f} GB")
        print("limit:     1000000 annotations in 60 s, peak 4 GB")
    peer = peer_seconds(args.peer_images, args.peer_sample)
    print(
        f"animl-ml:  {args.peer_images} annotations in {peer:.0f} s "
        f"(from {args.peer_sample} of them)"
    )


if __name__ == "__main__":
    main()
