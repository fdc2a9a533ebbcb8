"""What the image files say: are they there, how large are they, which are the same picture."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from tqdm import tqdm

from classification.data.clean.draft import Draft
from classification.data.clean.probe import Question, hash_files, probe_files, thumbnails
from classification.data.near_duplicates import clusters
from classification.data.parallel import core_count, in_chunks, map_chunks

T = TypeVar("T")
R = TypeVar("R")

FILE_FAULTS = ("missing", "unreadable", "too_large")
"""Reasons of `check_files`; these are failures, not cleaning."""

_CHUNK = 64
_SMALL = 512  # files; fewer are looked at before worker processes have started


def check_files(draft: Draft, folders: Mapping[str, Path], *, threads: int) -> Draft:
    """Drop images without a usable file; read width, height and time where they are missing.

    Args:
        draft: the dataset.
        folders: images folder of each input; images lie there under their own name, or under
            the input's name and their own.
        threads: processes, 0 for one per core.

    Returns:
        The draft; its images also say ``path`` (text) and ``bytes`` of their file.
    """
    images = draft.images
    measure = ~((images["width"] > 0) & (images["height"] > 0))
    dated = images["datetime"].notna()
    places = zip(images["source"], images["source_file_name"], measure, ~dated, strict=True)
    questions = [
        Question((str(folders[s] / name), str(folders[s] / s / name)), bool(m), bool(t))
        for s, name, m, t in places
    ]
    found = pd.DataFrame(
        _map(probe_files, questions, threads, "looking for images"), index=images.index
    )
    draft = draft.set_images(
        path=found["path"],
        bytes=found["bytes"],
        width=images["width"].where(~measure, found["width"]),
        height=images["height"].where(~measure, found["height"]),
        datetime=images["datetime"].where(dated, found["taken"].where(found["taken"] != "")),
    )
    if read := int((found["taken"] != "").sum()):
        draft = draft.note(f"{read} camera times read from the image files (EXIF)")
    for reason in FILE_FAULTS:
        now = found["reason"].reindex(draft.images.index) == reason
        detail = found["detail"].reindex(draft.images.index)
        draft = draft.drop_images(now, reason, detail)
    return draft


def same_content(images: pd.DataFrame, *, threads: int) -> pd.Series:
    """SHA-256 of the files that share their size with another; NA for all others."""
    shared = images.loc[images["bytes"].duplicated(keep=False), "path"]
    hashes = pd.Series(_map(hash_files, shared.tolist(), threads, "hashing"), index=shared.index)
    return hashes.astype("str").where(hashes != "").reindex(images.index)


def same_picture(images: pd.DataFrame, *, threads: int) -> pd.Series:
    """Name of the group of pictures that look the same and were taken at the same moment, or NA.

    Frames of a burst look the same to any perceptual hash, so only images with the same camera
    time and the same frame number (or none) are compared. Images without a time are left out.
    """
    dated = images[images["datetime"].notna()]
    moment = dated["datetime"] + "#" + dated["frame_num"].fillna(-1).astype("str")
    several = dated[moment.duplicated(keep=False)]
    small = _map(thumbnails, several["path"].tolist(), threads, "comparing")
    readable = np.array([thumbnail is not None for thumbnail in small], dtype=bool)
    if readable.sum() < 2:
        return pd.Series(None, index=images.index, dtype="str")
    several = several[readable]
    pixels = np.stack([thumbnail for thumbnail in small if thumbnail is not None])
    look = clusters(pixels, pd.Series(several.index.astype("str"), index=several.index))
    return (look + "@" + moment.reindex(several.index)).reindex(images.index)


def _map(
    function: Callable[[Sequence[T]], list[R]], items: Sequence[T], threads: int, what: str
) -> list[R]:
    processes = core_count(threads) if len(items) >= _SMALL else 1
    done: list[R] = []
    with tqdm(total=len(items), desc=what, unit="image", disable=None) as bar:
        for part in map_chunks(function, in_chunks(items, _CHUNK), processes=processes):
            done += part
            bar.update(len(part))
    return done
