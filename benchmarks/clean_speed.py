"""Time and memory of cleaning a large archive: 1 million images, 1.5 million annotations.

    python benchmarks/clean_speed.py [images]

Claim: under 2 minutes and 6 GB. The dataset is made up: two exports that share cameras, integer
locations, labels in several spellings, boxes with every fault.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LABELS = ["empty", "Deer", " deer", "Mule  Deer", "coyote", "Bobcat", "rabbit", "car", "person"]
BAD_BOXES = [[10, 10, 0, 5], [10, 10, -4, 5], [float("nan")] * 4, [3000, 10, 50, 50], [1, 2]]


def write_export(path: Path, *, first: int, images: int, rng: random.Random) -> None:
    with path.open("w") as f:
        f.write('{"info": {}, "categories": ')
        json.dump([{"id": i, "name": name} for i, name in enumerate(LABELS)], f)
        f.write(', "images": [')
        for i in range(first, first + images):
            record = {
                "id": f"{i:08x}-23d2-11e8-a6a3-ec086b02610b",
                "file_name": f"project/cam{i % 997}/{i:08d}.JPG",
                "width": 2048,
                "height": 1536,
                "location": i % 997 if i % 3 else f"Cam {i % 997}",
                "datetime": f"2021-{i % 12 + 1:02d}-{i % 28 + 1:02d} {i // 7 % 24:02d}:"
                f"{i // 3 % 60:02d}:{i % 60:02d}",
            }
            f.write((", " if i > first else "") + json.dumps(record))
        f.write('], "annotations": [')
        for i in range(first * 3 // 2, (first + images) * 3 // 2):
            x, y = rng.uniform(0, 1800), rng.uniform(0, 1300)
            record = {
                "id": f"a{i}",
                "image_id": f"{i * 2 // 3:08x}-23d2-11e8-a6a3-ec086b02610b",
                "category_id": i % len(LABELS),
                "bbox": [x, y, rng.uniform(20, 400), rng.uniform(20, 400)],
                "validated": i % 5 > 0,
            }
            if i % 50 == 0:
                record["bbox"] = BAD_BOXES[i // 50 % len(BAD_BOXES)]
            f.write((", " if i > first * 3 // 2 else "") + json.dumps(record))
        f.write("]}")


def main(images: int) -> None:
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        parts = [Path(folder) / name for name in ("first.json", "second.json")]
        half = images // 2
        write_export(parts[0], first=0, images=half, rng=rng)
        write_export(parts[1], first=half - half // 20, images=images - half + half // 20, rng=rng)
        out = Path(folder) / "interim" / "both"
        script = Path(__file__).resolve().parents[1] / "utils" / "combine_datasets.py"
        start = time.perf_counter()
        command = [sys.executable, str(script), str(out), "--cct", *map(str, parts)]
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{images} images cleaned and combined in {seconds:.0f} s "
        f"({used.ru_utime + used.ru_stime:.0f} s of one core), peak {used.ru_maxrss / 2**20:.1f} GB"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
