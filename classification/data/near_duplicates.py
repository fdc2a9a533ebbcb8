"""Pictures that look the same although their bytes differ: re-encoded, resized, brightened.

Two pictures are near duplicates when their perceptual hashes (signs of the low frequencies of a
discrete cosine transform; Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash
Functions") differ in at most 6 of 63 bits and their 16 x 16 grey thumbnails correlate to at least
0.96. Measured on 1,569 real crops: re-encoding at quality 50 is found for 9 of 10 crops, and no
pair from two cameras comes nearer than 10 bits or, within 14 bits, than 0.90.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from tqdm import tqdm

from classification.data.images import ImageError, open_bytes, read_image_file
from classification.errors import FieldmarkError
from classification.files import atomic_open

SIDE = 16
_MAX_BITS = 6
_MIN_CORRELATION = 0.96
_MIN_CONTRAST = 2.0  # grey levels (standard deviation); below it a picture shows nothing
_ORDERS = 16
_BLOCK = 1 << 15
_PAIRS_PER_ORDER = 1 << 22  # all pairs up to 2,048 pictures


def thumbnail(image: Image.Image) -> np.ndarray:
    """Grey thumbnail: uint8 [256], row by row."""
    small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.uint8).ravel()


def crop_thumbnails(table: pd.DataFrame, crops: Path, cache: Path) -> np.ndarray:
    """Thumbnails of all crops of the classification table; only new content is decoded.

    Args:
        table: rows with ``path`` and ``sha256``.
        crops: folder that the paths start from.
        cache: npz file of thumbnails by content hash; read, and written when something was new.

    Returns:
        uint8 [N, 256], in the order of the rows.

    Raises:
        FieldmarkError: some crops cannot be read.
    """
    hashes, known = _read_cache(cache)
    new = table.loc[~table["sha256"].isin(hashes)].drop_duplicates("sha256")
    if len(new):
        known = np.concatenate([known, _decode([crops / p for p in new["path"]])])
        hashes = pd.Index([*hashes, *new["sha256"]], dtype="str")
        with atomic_open(cache, "wb") as f:
            np.savez_compressed(f, sha256=hashes.to_numpy(dtype="U64"), thumbnails=known)
    return known[hashes.get_indexer(pd.Index(table["sha256"]))]


def table_clusters(table: pd.DataFrame, crops: Path, cache: Path) -> pd.Series:
    """`clusters` of the crops of a classification table, with its index."""
    return clusters(crop_thumbnails(table, crops, cache), table["path"])


def clusters(thumbnails: np.ndarray, names: pd.Series) -> pd.Series:
    """Which pictures look the same, directly or through others between them.

    Args:
        thumbnails: uint8 [N, 256].
        names: name of each picture.

    Returns:
        Name of the first picture of the cluster, NA for a picture that nothing looks like; with
        the index of `names`. Above about 2,000 pictures the search looks at neighbours in 16
        sorted orders of the hashes only, so that it stays linear in time; it may then miss pairs
        that differ in several bits, never identical ones.
    """
    contrast = np.concatenate([block.std(axis=1) for block in _blocks(thumbnails)])
    shows = np.flatnonzero(contrast >= _MIN_CONTRAST)
    if len(shows) < 2:
        return pd.Series(None, index=names.index, dtype="str")
    a, b = _pairs(thumbnails[shows])
    edges = coo_array((np.ones(len(a)), (shows[a], shows[b])), shape=(len(names), len(names)))
    _, component = connected_components(edges, directed=False)
    component = pd.Series(component, index=names.index)
    first = names.groupby(component).transform("first")
    return first.where(component.duplicated(keep=False))


def _pairs(thumbnails: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    words = np.concatenate([_hash_words(block) for block in _blocks(thumbnails)])
    window = min(len(words) - 1, max(32, _PAIRS_PER_ORDER // len(words)))
    found: list[np.ndarray] = []
    for shift in range(0, 64, 64 // _ORDERS):
        order = np.argsort(words << np.uint64(shift) | words >> np.uint64((64 - shift) % 64))
        for step in range(1, window + 1):
            pairs = np.stack([order[:-step], order[step:]])
            bits = np.bitwise_count(words[pairs[0]] ^ words[pairs[1]])
            found += [
                block[:, _alike(thumbnails[block[0]], thumbnails[block[1]])]
                for block in _columns(pairs[:, bits <= _MAX_BITS])
            ]
        if window == len(words) - 1:  # all pairs have been seen
            break
    pairs = np.concatenate([np.empty((2, 0), dtype=np.intp), *found], axis=1)
    return pairs[0], pairs[1]


def _alike(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Whether each picture correlates with the one opposite: bool [N]."""
    centred = [t - t.mean(axis=1, keepdims=True, dtype=np.float32) for t in (first, second)]
    product = np.einsum("ij,ij->i", *centred)
    norms = [np.linalg.norm(t, axis=1) for t in centred]
    return product >= _MIN_CORRELATION * norms[0] * norms[1]


def _hash_words(thumbnails: np.ndarray) -> np.ndarray:
    """Signs against the median of the 8 x 8 lowest frequencies: uint64 [N]; one bit is unused."""
    pixels = thumbnails.astype(np.float32).reshape(-1, SIDE, SIDE)
    frequencies = np.asarray(dctn(pixels, axes=(1, 2), norm="ortho"))
    low = frequencies[:, :8, :8].reshape(len(pixels), 64)
    bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
    bits[:, 0] = False  # the mean brightness says nothing
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def _blocks(rows: np.ndarray) -> Iterator[np.ndarray]:
    """A million thumbnails as floats would take gigabytes."""
    for start in range(0, len(rows), _BLOCK):
        yield rows[start : start + _BLOCK]


def _columns(pairs: np.ndarray) -> Iterator[np.ndarray]:
    return (block.T for block in _blocks(pairs.T))


def _decode(paths: Sequence[Path]) -> np.ndarray:
    with ThreadPoolExecutor() as pool:  # Pillow decodes outside the interpreter lock
        done = list(
            tqdm(pool.map(read_thumbnail, paths), total=len(paths), desc="thumbnails", unit="crop")
        )
    unreadable = [path for path, small in zip(paths, done, strict=True) if small is None]
    if unreadable:
        raise FieldmarkError.from_problems(
            f"{len(unreadable)} crops cannot be read; run utils/crop_detections.py again, it "
            "verifies and mends them:",
            [str(path) for path in unreadable[:10]],
        )
    return np.stack([small for small in done if small is not None])


def read_thumbnail(path: Path) -> np.ndarray | None:
    """Grey thumbnail of an image file: uint8 [256]; None where it cannot be read."""
    try:
        opened = open_bytes(read_image_file(path))
        return thumbnail(opened.decode(shrink=_shrink(opened.width, opened.height)).image)
    except ImageError:
        return None


def _shrink(width: int, height: int) -> int:
    """How far a JPEG may shrink while it is decoded and still be four times the thumbnail."""
    return next((n for n in (8, 4, 2) if min(width, height) >= 4 * SIDE * n), 1)


def _read_cache(cache: Path) -> tuple[pd.Index, np.ndarray]:
    try:
        with np.load(cache, allow_pickle=False) as stored:
            return pd.Index(stored["sha256"], dtype="str"), stored["thumbnails"]
    except (OSError, ValueError, KeyError):  # none yet, or damaged: it is only a cache
        return pd.Index([], dtype="str"), np.empty((0, SIDE * SIDE), dtype=np.uint8)
