"""Rows of earlier embedding stores that need not be computed again: same network, same content."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.files import atomic_path, read_json
from classification.paths import EmbeddingPaths

Hashes = NDArray[np.bytes_]
_DIGEST = "S32"  # raw SHA-256: 32 MB for a million items


def digests(sha256: Iterable[str]) -> Hashes:
    """Hex digests as raw bytes, [N]."""
    return np.array([bytes.fromhex(value) for value in sha256], dtype=_DIGEST)


def write_digests(path: Path, values: Hashes) -> None:
    """Write the digests of a store's rows, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as f:
        np.save(f, values)


@dataclass(frozen=True, kw_only=True)
class Known:
    """Where rows can be copied from.

    Attributes:
        arrays: earlier stores, memory-mapped [M, D].
        source: int32 [N], which of them holds an item; -1 where none does.
        row: int64 [N], its row there.
    """

    arrays: list[NDArray[np.floating]]
    source: NDArray[np.int32]
    row: NDArray[np.int64]

    def copy(self, target: NDArray[np.floating], start: int, stop: int) -> NDArray[np.intp]:
        """Fill rows `start` to `stop` of `target` where known; positions that are still missing."""
        source = self.source[start:stop]
        for number, array in enumerate(self.arrays):
            here = np.flatnonzero(source == number)
            target[start + here] = array[self.row[start + here]]
        return start + np.flatnonzero(source < 0)


def find_known(
    wanted: Hashes,
    folders: Iterable[Path],
    *,
    model: str,
    dim: int,
    dtype: np.dtype,
    arithmetic: str,
    besides: EmbeddingPaths,
) -> Known:
    """Search the stores of `folders` that hold the same network's embeddings in the same format.

    Args:
        wanted: digests of the items [N].
        folders: with embedding stores; missing ones are passed over, and so are damaged stores.
        model: key of weights and preprocessing.
        dim: D.
        dtype: of the rows.
        arithmetic: that they were computed in.
        besides: the store to be filled: its file may be cut while it is mapped.
    """
    known = Known(
        arrays=[],
        source=np.full(len(wanted), -1, dtype=np.int32),
        row=np.zeros(len(wanted), dtype=np.int64),
    )
    for folder in folders:
        for record in sorted(folder.glob("*.json")):
            store = EmbeddingPaths(folder, record.stem)
            like = (model, dim, dtype.name, arithmetic)
            rows = _rows(store, like) if store != besides else None
            if rows is not None:
                _match(known, wanted, *rows)
    return known


def arithmetic_of(record: Mapping[str, Any]) -> str:
    """What the rows of a store were computed in, by its record."""
    return record.get("arithmetic", "float32")


def _rows(
    store: EmbeddingPaths, like: tuple[str, int, str, str]
) -> tuple[NDArray[np.floating], Hashes] | None:
    """Whole rows of a store and their digests, or None if it is of no use.

    Args:
        store: where it is.
        like: model, D, dtype and arithmetic of the rows that are wanted.
    """
    _, dim, dtype, _ = like
    try:
        record = read_json(store.progress, what="progress of the embedding store")
        found = (record.get("model"), record["dim"], record.get("dtype"), arithmetic_of(record))
        if found != like:
            return None
        array = np.load(store.array, mmap_mode="r")
        hashes = np.load(store.digests)
    except (FieldmarkError, OSError, ValueError, KeyError):  # gone or damaged in the meantime
        return None
    done = int(record["done"])
    fits = array.dtype == dtype and array.shape == (len(hashes), dim) and hashes.dtype == _DIGEST
    return (array[:done], hashes[:done]) if fits else None


def _match(known: Known, wanted: Hashes, array: NDArray[np.floating], hashes: Hashes) -> None:
    if not len(hashes):
        return
    order = np.argsort(hashes, kind="stable")
    missing = np.flatnonzero(known.source < 0)
    place = np.searchsorted(hashes, wanted[missing], sorter=order).clip(max=len(hashes) - 1)
    found = hashes[order[place]] == wanted[missing]
    known.source[missing[found]] = len(known.arrays)
    known.row[missing[found]] = order[place[found]]
    known.arrays.append(array)
