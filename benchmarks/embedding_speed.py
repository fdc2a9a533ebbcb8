"""Embedding extraction against the bare forward pass of the same backbone on the same device.

The limit is the network on tensors that are already in memory, with all cores on each batch as
PyTorch does by itself; extraction also reads, decodes, resizes and normalises crops. The target is
0.9 of the limit; on a CPU it can pass 1, since there every core works on batches of its own. Both
are timed in turn in one process, and the median ratio over the repeats is what counts.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from classification.learning.backbones import build_backbone
from classification.learning.crops import CropReader, Inputs, Preprocessing
from classification.learning.fit import best_device
from classification.learning.forward import forward

TARGET = 0.9
HALF = (0.5, 0.5, 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--crop-size", type=int, default=300, help="side of the JPEG crops, pixels")
    parser.add_argument("--batch-size", type=int, default=0, help="0: as the product chooses")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0, help="0: as the product chooses")
    parser.add_argument("--crops", type=Path, help="use the crops of this folder instead")
    options = parser.parse_args()

    device = best_device()
    backbone = build_backbone(options.backbone, "none", seed=0)
    preprocessing = Preprocessing(image_size=options.image_size, mean=HALF, std=HALF)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.crops or Path(temporary)
        if not options.crops:
            draw_crops(folder, options.images, options.crop_size)
        names = sorted(p.name for p in folder.glob("*.jpg"))[: options.images]
        reader = CropReader(folder, size=options.image_size, threads=options.threads)
        inputs = Inputs(
            reader=reader,
            preprocessing=preprocessing,
            device=device,
            forward_batch=options.batch_size,
        )
        batches = list(inputs.batches(names, inputs.forward_size))

        def bare() -> None:
            with torch.inference_mode(), inputs.amp():
                for x in batches:
                    backbone(x).float().cpu()

        def extract() -> None:
            for _ in forward(backbone, inputs, names):
                pass

        extract()  # warm up, and bring the backbone to the device
        bare()
        times = [(seconds(bare), seconds(extract)) for _ in range(options.repeats)]
    ratios = [limit / whole for limit, whole in times]
    ratio = statistics.median(ratios)
    rates = [len(names) / statistics.median(column) for column in zip(*times, strict=True)]
    print(
        f"{options.backbone} at {options.image_size} px on {device}: bare forward {rates[0]:.1f} "
        f"images/s, extraction from JPEG {rates[1]:.1f} images/s"
    )
    print(
        f"ratio {ratio:.3f} (median of {options.repeats}, {min(ratios):.3f} to {max(ratios):.3f}); "
        f"target {TARGET}: {'met' if ratio >= TARGET else 'NOT met'}"
    )


def seconds(job: Callable[[], None]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def draw_crops(folder: Path, count: int, size: int) -> None:
    """JPEG crops with the detail of a photograph: smoothed noise, about 20 kB at 300 px."""
    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = rng.integers(0, 256, (size // 8, size // 8, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
        noisy = np.asarray(image) + rng.normal(0, 8, (size, size, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(
            folder / f"{number:05d}.jpg", quality=90
        )


if __name__ == "__main__":
    main()
