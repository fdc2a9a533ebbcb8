"""Looking into image files from worker processes. No pandas here, so that they start quickly."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classification.data.exif import camera_time
from classification.data.images import ImageError, image_size
from classification.files import sha256_file


class Probe(NamedTuple):
    """What a file says.

    path: the candidate that exists. bytes: its size. width, height: upright, in pixels, NaN
    where they were not asked for. taken: the camera's time, empty where it was not asked for or
    the file does not say. reason, detail: why it cannot be used, or empty.
    """

    path: str
    bytes: int
    width: float
    height: float
    reason: str = ""
    detail: str = ""
    taken: str = ""


class Question(NamedTuple):
    """One image: where it may lie, and whether its width and height, and its time are wanted."""

    candidates: tuple[str, ...]
    measure: bool
    time: bool


def probe_files(questions: Sequence[Question]) -> list[Probe]:
    """Look for each image."""
    return [_probe(question) for question in questions]


def hash_files(paths: Sequence[str]) -> list[str]:
    """SHA-256 of each file; empty where it cannot be read."""
    return [_hash(path) for path in paths]


def thumbnails(paths: Sequence[str]) -> list[np.ndarray | None]:
    """Grey thumbnail of each image, None where it cannot be decoded."""
    from classification.data.near_duplicates import read_thumbnail  # imports pandas and scipy

    return [read_thumbnail(Path(path)) for path in paths]


def _probe(question: Question) -> Probe:
    for candidate in question.candidates:
        try:
            size = Path(candidate).stat().st_size
        except OSError:
            continue
        if size == 0:
            return Probe(candidate, 0, np.nan, np.nan, "unreadable", "the file is empty")
        taken = camera_time(Path(candidate)) if question.time else ""
        if not question.measure:
            return Probe(candidate, size, np.nan, np.nan, taken=taken)
        try:
            return Probe(candidate, size, *image_size(Path(candidate)), taken=taken)
        except ImageError as error:
            return Probe(candidate, size, np.nan, np.nan, error.reason, error.detail)
    return Probe("", 0, np.nan, np.nan, "missing", "no such file")


def _hash(path: str) -> str:
    try:
        return sha256_file(Path(path))
    except OSError:
        return ""
