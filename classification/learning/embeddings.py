"""The embedding store: one memory-mapped array per backbone, preprocessing and list of items.

Rows are made in blocks; after each block the array is flushed and the progress record is written,
so a killed run goes on at the last whole block. Block and batch borders are fixed by the position
in the list, which makes a resumed array equal to an uninterrupted one bit by bit. A row whose file
content was embedded before by the same network, here or in an earlier store, is copied.

All rows of a store were computed in one arithmetic, which its record names: what a GPU makes in
bfloat16 is 7 % (of its length) away from the same network's answer in float32, farther than the
next frame of a burst (MobileNetV2, crops of Caltech night). Either is as good: macro-F1 of heads on
unseen cameras differs by 0.002 +- 0.003, and a store that is whole serves any machine. A record
without the name is older; its store is taken for float32.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from classification.errors import FieldmarkError
from classification.files import read_json, sha256_lines, write_json
from classification.learning.crops import Inputs, Preprocessing
from classification.learning.forward import embed_together
from classification.learning.reuse import arithmetic_of, digests, find_known, write_digests
from classification.paths import EmbeddingPaths

_BLOCK = 1024  # images between two records of progress: under a minute on a laptop
_LARGEST_HALF = float(np.finfo(np.float16).max)


@dataclass(frozen=True, kw_only=True)
class Items:
    """What to embed: crop files and the hex SHA-256 of each file's content."""

    paths: Sequence[str]
    sha256: Sequence[str]

    def digest(self) -> str:
        """Hash of the list, order included."""
        return sha256_lines(f"{h} {p}" for h, p in zip(self.sha256, self.paths, strict=True))


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What decides the embedding of an image, and how it is stored."""

    weights: str
    """Hash of the network's weights."""
    preprocessing: Preprocessing
    dim: int
    store: str = "float32"
    """How rows are kept: float32 or float16."""

    @property
    def dtype(self) -> np.dtype:
        """Of the rows."""
        return np.dtype(self.store)

    @property
    def model(self) -> str:
        """16 hex digits over weights and preprocessing."""
        return sha256_lines([self.weights, repr(self.preprocessing)])[:16]

    def key(self, items: Items) -> str:
        """Name of the store of `items`: 16 hex digits over weights, preprocessing, format and
        items."""
        lines = [self.weights, repr(self.preprocessing), items.digest()]
        if self.store != "float32":
            lines.append(self.store)
        return sha256_lines(lines)[:16]


def embed_items(
    backbone: nn.Module,
    inputs: Inputs,
    items: Items,
    *,
    kind: Kind,
    folder: Path,
    others: Iterable[Path] = (),
) -> NDArray[np.floating]:
    """Embeddings of all items, computing only those whose content no store holds yet.

    Args:
        backbone: float32 [B, 3, S, S] to float32 [B, kind.dim].
        inputs: where crops come from, and the device.
        items: what to embed.
        kind: of the embeddings.
        folder: of the stores.
        others: folders of further stores to copy rows from.

    Returns:
        `kind.dtype` [N, dim], memory-mapped, read-only.

    Raises:
        FieldmarkError: a crop is missing, the disk is full, or a value does not fit float16.
    """
    paths = EmbeddingPaths(folder, kind.key(items))
    n = len(items.paths)
    done = _progress(paths, (n, kind.dim), kind.dtype, inputs.arithmetic)
    if done < n:
        hashes = digests(items.sha256)
        known = find_known(
            hashes,
            [folder, *others],
            model=kind.model,
            dim=kind.dim,
            dtype=kind.dtype,
            arithmetic=inputs.arithmetic,
            besides=paths,
        )
        array = _open(paths, shape=(n, kind.dim), dtype=kind.dtype, fresh=done == 0)
        write_digests(paths.digests, hashes)
        first = _first_of_each(hashes)
        record = {"rows": n, "dim": kind.dim, "model": kind.model, "dtype": kind.dtype.name}
        record["arithmetic"] = inputs.arithmetic
        batch, team = inputs.forward_size, inputs.team
        block = max(1, _BLOCK // batch) * batch * team.size  # whole batches
        if team.leads:
            team.tell(("embed", {"backbone": backbone.cpu(), "dim": kind.dim}))
        with tqdm(total=n, initial=done, desc="embed", unit="crop", leave=False) as bar:
            for start in range(done, n, block):
                stop = min(start + block, n)
                missing = known.copy(array, start, stop)
                _compute(array, backbone, inputs, items, missing[first[missing] == missing])
                again = missing[first[missing] < missing]
                array[again] = array[first[again]]
                array.flush()
                write_json(paths.progress, {**record, "done": stop})
                bar.update(stop - start)
        if team.leads:
            team.tell(None)
        del array
    return np.load(paths.array, mmap_mode="r")


def _first_of_each(hashes: NDArray[np.bytes_]) -> NDArray[np.intp]:
    """Position of the first item with the same content, [N]."""
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    return first[inverse]


def _compute(
    array: NDArray[np.floating],
    backbone: nn.Module,
    inputs: Inputs,
    items: Items,
    positions: NDArray[np.intp],
) -> None:
    """Fill these rows of `array` by the network."""
    paths = [items.paths[int(i)] for i in positions]
    rows = embed_together(backbone, inputs, paths, array.shape[1])
    if array.dtype == np.float16 and np.abs(rows).max(initial=0) > _LARGEST_HALF:
        raise FieldmarkError(
            f"an embedding holds {np.abs(rows).max():g}, more than float16 can (65504): "
            "set backbone.store: float32"
        )
    array[positions] = rows


def _progress(
    paths: EmbeddingPaths, shape: tuple[int, int], dtype: np.dtype, arithmetic: str
) -> int:
    """Rows that are whole on disk; 0 when array or record is missing or of another shape, or when
    the rest would be computed in another arithmetic."""
    if not (paths.progress.exists() and paths.array.exists()):
        return 0
    record = read_json(paths.progress, what="progress of the embedding store")
    if (record.get("rows"), record.get("dim")) != shape:
        return 0
    try:
        found = np.load(paths.array, mmap_mode="r")
    except (ValueError, OSError):
        return 0
    done = int(record["done"])
    alike = done == shape[0] or arithmetic_of(record) == arithmetic
    return done if alike and (found.shape, found.dtype) == (shape, dtype) else 0


def _reserve(path: Path) -> None:
    """Claim the disk space of a mapped file now: a full disk would kill a later write by SIGBUS."""
    if hasattr(os, "posix_fallocate"):  # Linux; elsewhere the system decides
        with path.open("r+b") as f:
            os.posix_fallocate(f.fileno(), 0, path.stat().st_size)


def _open(
    paths: EmbeddingPaths, *, shape: tuple[int, int], dtype: np.dtype, fresh: bool
) -> np.memmap:
    paths.folder.mkdir(parents=True, exist_ok=True)
    try:
        array = np.lib.format.open_memmap(
            paths.array,
            mode="w+" if fresh else "r+",
            dtype=dtype,
            shape=shape if fresh else None,
        )
        _reserve(paths.array)
        return array
    except OSError as error:
        size = shape[0] * shape[1] * dtype.itemsize
        raise FieldmarkError(
            f"cannot write {paths.array} ({size / 1e9:.2f} GB): {error}. "
            "Make room, then run the same command again: it goes on from here."
        ) from error
