"""Crops of one image: what a worker process does. No pandas here, so that it starts quickly."""

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from classification.data.boxes import Rectangle
from classification.data.crop_render import BoxError, Recipe, place, render, shrink_factor, to_jpeg
from classification.data.images import (
    Decoded,
    ImageError,
    OpenedImage,
    open_bytes,
    read_image_file,
)
from classification.files import sha256_bytes, sha256_file, write_bytes
from classification.paths import crop_name, is_safe_name

_BAD_NAME = (errno.ENAMETOOLONG, errno.EINVAL)


class CropRow(NamedTuple):
    """One row of ``crops.csv``: the columns of `schemas.CropTable` and what a rerun checks."""

    path: str | None
    image_id: str
    annotation_id: str
    status: str
    reason: str | None
    source: str
    source_width: int | None
    source_height: int | None
    width: int | None
    height: int | None
    sha256: str | None
    box: str
    recipe: str
    source_bytes: int | None
    detail: str | None


class Target(NamedTuple):
    """One annotation: its box as found in the file, and the row that an earlier run left."""

    annotation_id: str
    box: Any
    relative: bool
    known: CropRow | None


class _Made(NamedTuple):
    path: str
    width: int
    height: int
    sha256: str


class Job(NamedTuple):
    """One image and its annotations.

    source: file name in the dataset. candidates: where it may lie under the images folder.
    declared: width and height that the dataset gives, if any.
    """

    image_id: str
    source: str
    candidates: tuple[str, ...]
    declared: tuple[float, float] | None
    targets: Sequence[Target]


class Done(NamedTuple):
    """Rows of some jobs, one per annotation in order; how many of them are work of this run."""

    rows: list[CropRow]
    new: int


def crop_jobs(jobs: Sequence[Job], *, images: Path, crops: Path, recipe: Recipe) -> Done:
    """Crop several images."""
    done = [crop_image(job, images, crops, recipe) for job in jobs]
    return Done([row for one in done for row in one.rows], sum(one.new for one in done))


def crop_image(job: Job, images: Path, crops: Path, recipe: Recipe) -> Done:
    """Crop every box of one image, which is decoded once, and not at all if nothing is missing.

    Raises:
        FieldmarkError: the disk is full or not writable.
    """
    path, size = _find(images, job.candidates)
    done = {
        t.annotation_id: t.known
        for t in job.targets
        if t.known is not None and _is_done(job, t, t.known, size, crops, recipe)
    }
    wanted = [t for t in job.targets if t.annotation_id not in done]
    made = _crop_file(job, wanted, path, crops, recipe) if wanted else []
    rows = done | {row.annotation_id: row for row in made}
    return Done([rows[t.annotation_id] for t in job.targets], len(made))


def _find(images: Path, candidates: Sequence[str]) -> tuple[Path, int | None]:
    """The first candidate that exists and its size in bytes."""
    for candidate in candidates:
        try:
            return images / candidate, (images / candidate).stat().st_size
        except OSError:
            continue
    return images / candidates[0], None


def _is_done(
    job: Job, target: Target, known: CropRow, size: int | None, crops: Path, recipe: Recipe
) -> bool:
    """Whether an earlier run's crop is there, unharmed, and what this run would make."""
    if known.path is None or known.source != job.source:
        return False
    if (known.recipe, known.box) != (recipe.key, _box_text(job, target)):
        return False
    if size is not None and size != known.source_bytes:  # the raw image was fetched again
        return False
    try:
        return sha256_file(crops / known.path) == known.sha256
    except OSError:
        return False


def _crop_file(
    job: Job, targets: Sequence[Target], path: Path, crops: Path, recipe: Recipe
) -> list[CropRow]:
    try:
        data = read_image_file(path)
        opened = open_bytes(data)
    except ImageError as error:
        return [_row(job, target, recipe, error) for target in targets]
    places = [_place(job, target, opened, recipe) for target in targets]
    good = [place for place in places if not isinstance(place, ImageError)]
    decoded = _decode(opened, good, recipe) if good else None
    rows = []
    for target, rectangle in zip(targets, places, strict=True):
        made = _make(job, target, rectangle, opened, decoded, crops, recipe)
        row = _row(job, target, recipe, made)
        rows.append(
            row._replace(
                source_width=opened.width, source_height=opened.height, source_bytes=len(data)
            )
        )
    return rows


def _place(job: Job, target: Target, opened: OpenedImage, recipe: Recipe) -> Rectangle | ImageError:
    try:
        return place(
            target.box,
            relative=target.relative,
            width=opened.width,
            height=opened.height,
            declared=job.declared,
            recipe=recipe,
        )
    except BoxError as error:
        return error


def _decode(
    opened: OpenedImage, rectangles: Sequence[Rectangle], recipe: Recipe
) -> Decoded | ImageError:
    try:
        return opened.decode(
            shrink=shrink_factor(rectangles, recipe.max_size),
            keep_truncated=recipe.keep_truncated,
        )
    except ImageError as error:
        return error


def _make(
    job: Job,
    target: Target,
    rectangle: Rectangle | ImageError,
    opened: OpenedImage,
    decoded: Decoded | ImageError | None,
    crops: Path,
    recipe: Recipe,
) -> "_Made | ImageError":
    """Write one crop, or pass on why there is none."""
    if isinstance(rectangle, ImageError):
        return rectangle
    if decoded is None or isinstance(decoded, ImageError):
        return decoded or ImageError("unreadable", "not decoded")
    if rectangle[3] > decoded.share * opened.height:
        return ImageError("truncated", f"{decoded.share:.0%} of the rows decoded")
    name = crop_name(job.source, target.annotation_id)
    if not is_safe_name(name):
        return ImageError("bad_name", f"{name!r} leaves the crops folder")
    crop = render(decoded.image, rectangle, opened.width, recipe)
    data = to_jpeg(crop, recipe.quality)
    try:
        # not durable: the hash in the table finds what a power cut may break
        write_bytes(crops / name, data, durable=False)
    except OSError as error:
        if error.errno not in _BAD_NAME:
            raise
        return ImageError("bad_name", f"{name!r}: {error.strerror}")
    return _Made(name, crop.width, crop.height, sha256_bytes(data))


def _row(job: Job, target: Target, recipe: Recipe, made: "_Made | ImageError") -> CropRow:
    failed = isinstance(made, ImageError)
    return CropRow(
        path=None if failed else made.path,
        image_id=job.image_id,
        annotation_id=target.annotation_id,
        status="reject" if failed else "whole" if target.box is None else "crop",
        reason=made.reason if failed else None,
        source=job.source,
        source_width=None,
        source_height=None,
        width=None if failed else made.width,
        height=None if failed else made.height,
        sha256=None if failed else made.sha256,
        box=_box_text(job, target),
        recipe=recipe.key,
        source_bytes=None,
        detail=made.detail if failed else None,
    )


def _box_text(job: Job, target: Target) -> str:
    """The box as asked for, and the image size it counts on; a change of either is a new crop."""
    if target.box is None:
        return "whole"
    if target.relative:
        return f"{target.box} of the image"
    size = " of {:g} x {:g}".format(*job.declared) if job.declared else ""
    return f"{target.box}{size}"
