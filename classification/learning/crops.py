"""Crops as tensors, decoded by threads while the network computes.

Threads, not worker processes: Pillow releases the interpreter lock while it decodes and resizes,
nothing has to be copied between processes, a killed run leaves no orphans, and Windows needs no
special case.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from classification.data.images import ImageError, open_bytes, read_image_file
from classification.data.parallel import in_chunks
from classification.errors import FieldmarkError
from classification.learning.team import ALONE, Part, Team
from classification.paths import CROP_MARK

_AHEAD = 3  # batches decoded while one is computed
_CACHE_BYTES = 1 << 30  # decoded crops kept for the next epoch: 7,000 crops of 224 px


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a crop becomes the network's input: size in pixels, then (x - mean) / std of 0..1."""

    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def normalise(self, batch: Tensor) -> Tensor:
        """uint8 [B, 3, S, S] to float32 [B, 3, S, S]."""
        mean = torch.tensor(self.mean, device=batch.device).reshape(1, 3, 1, 1)
        std = torch.tensor(self.std, device=batch.device).reshape(1, 3, 1, 1)
        return batch.float().sub_(255 * mean).mul_(1 / (255 * std))  # in place: half the time


class CropReader:
    """Reads crops of one folder as square RGB images of one size.

    Args:
        folder: crops folder.
        size: side in pixels; a crop that is not square is stretched.
        threads: decoding threads; 0 means one per core.
        keep: keep decoded crops in memory (up to 1 GiB) for the next epoch.
        tolerate: an unreadable image becomes a black one and gets an entry in `failures`;
            otherwise it ends the reading.
    """

    def __init__(
        self,
        folder: Path,
        *,
        size: int,
        threads: int = 0,
        keep: bool = False,
        tolerate: bool = False,
    ) -> None:
        self.folder = folder
        self._size = size
        self.threads = threads or os.cpu_count() or 1
        self._keep = keep
        self._tolerate = tolerate
        self.failures: dict[str, ImageError] = {}
        self._kept: dict[str, NDArray[np.uint8]] = {}

    def batches(self, paths: Sequence[str], batch_size: int) -> Iterator[Tensor]:
        """Consecutive batches of `paths`: uint8 [B, 3, size, size].

        Raises:
            FieldmarkError: a crop is missing or unreadable.
        """
        yield from self.groups(in_chunks(paths, batch_size))

    def groups(self, groups: Iterable[Sequence[str]]) -> Iterator[Tensor]:
        """One batch per group of paths, which may be empty."""
        with ThreadPoolExecutor(self.threads) as pool:
            queue: list[list[Future[NDArray[np.uint8]]]] = []
            for group in groups:
                queue.append([pool.submit(self.read, path) for path in group])
                if len(queue) > _AHEAD:
                    yield self._stack([future.result() for future in queue.pop(0)])
            for batch in queue:
                yield self._stack([future.result() for future in batch])

    def stack(self, paths: Sequence[str]) -> Tensor:
        """One batch, read in this thread: uint8 [B, 3, size, size]."""
        return self._stack([self.read(path) for path in paths])

    def _stack(self, crops: list[NDArray[np.uint8]]) -> Tensor:
        empty = np.zeros((0, self._size, self._size, 3), dtype=np.uint8)
        stacked = np.stack(crops) if crops else empty
        return torch.from_numpy(stacked).permute(0, 3, 1, 2)  # channels-last in memory

    def read(self, path: str) -> NDArray[np.uint8]:
        """One crop: uint8 [size, size, 3]."""
        kept = self._kept.get(path)
        if kept is not None:
            return kept
        try:
            pixels = read_square(self.folder / path, self._size)
        except ImageError as error:
            if not self._tolerate:
                raise FieldmarkError(
                    f"image {self.folder / path} cannot be read: {error}. {_remedy(path)}"
                ) from error
            self.failures[path] = error
            return np.zeros((self._size, self._size, 3), dtype=np.uint8)
        if self._keep and (len(self._kept) + 1) * pixels.nbytes <= _CACHE_BYTES:
            self._kept[path] = pixels
        return pixels


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Crops of one folder as a network on one device takes them."""

    reader: CropReader
    preprocessing: Preprocessing
    device: torch.device
    forward_batch: int = 0
    """Images per pass without training; 0 chooses by device."""
    team: Team = ALONE
    """Processes that share the work."""

    @property
    def forward_size(self) -> int:
        """Images per pass without training.

        On a CPU 8: larger activations do not fit the cache, and the memory for them is asked of
        the system anew at every layer (MobileNetV2 on two cores: 144 images/s by 8, 72 by 64).
        """
        return self.forward_batch or (256 if self.device.type == "cuda" else 8)

    def batches(self, paths: Sequence[str], batch_size: int) -> Iterator[Tensor]:
        """Consecutive batches on the device, float32 [B, 3, S, S]."""
        for batch in self.reader.batches(paths, batch_size):
            yield self.preprocessing.normalise(batch.to(self.device))

    def parts(self, paths: Sequence[str], batch_size: int) -> Iterator[tuple[Tensor, Part]]:
        """This process's part of consecutive batches, uint8 [b, 3, S, S] on the device."""
        batches = list(in_chunks(paths, batch_size))
        parts = [self.team.part(len(batch)) for batch in batches]
        groups = [b[part.start : part.stop] for b, part in zip(batches, parts, strict=True)]
        for crops, part in zip(self.reader.groups(groups), parts, strict=True):
            yield crops.to(self.device), part

    def batch(self, paths: Sequence[str]) -> Tensor:
        """One batch, read in this thread: float32 [B, 3, S, S] on the device."""
        return self.preprocessing.normalise(self.reader.stack(paths).to(self.device))

    @property
    def arithmetic(self) -> str:
        """What networks compute in: bfloat16 on a GPU made for it, else float32.

        On a CPU it gains nothing for sure; GPUs before Ampere (a T4) only imitate it, slowly.
        """
        cuda = self.device.type == "cuda"
        made_for_it = cuda and torch.cuda.get_device_capability(self.device) >= (8, 0)
        return "bfloat16" if made_for_it else "float32"

    def amp(self) -> torch.autocast:
        """The context of a forward pass in that arithmetic."""
        enabled = self.arithmetic == "bfloat16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)


def read_square(path: Path, size: int) -> NDArray[np.uint8]:
    """An image stretched to a square: uint8 [size, size, 3], RGB, upright.

    Raises:
        ImageError: the file is missing or unreadable.
    """
    from PIL import Image

    opened = open_bytes(read_image_file(path))
    shrink = max(1, min(opened.width, opened.height) // size)
    image = opened.decode(shrink=max(f for f in (1, 2, 4, 8) if f <= shrink)).image
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0))


def _remedy(path: str) -> str:
    if CROP_MARK in path:
        return "Run utils/crop_detections.py again: it checks every crop and mends broken ones."
    return "Put a whole copy of the file there under the same name, then run this again."
