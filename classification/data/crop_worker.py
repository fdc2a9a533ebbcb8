"""Crops of one image: what a worker process does. No pandas here, so that it starts quickly."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from classification.data.boxes import Rectangle
from classification.data.crop_render import (
    BoxError,
    Recipe,
    place,
    render,
    rows_needed,
    shrink_factor,
    to_jpeg,
)
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


@dataclass(frozen=True, kw_only=True)
class Cropper:
    """Cuts the boxes of `images` out into `crops`."""

    images: Path
    crops: Path
    recipe: Recipe

    def crop_jobs(self, jobs: Sequence[Job]) -> Done:
        """Crop several images.

        Raises:
            FieldmarkError: the disk is full or not writable.
        """
        done = [self.crop_image(job) for job in jobs]
        return Done([row for one in done for row in one.rows], sum(one.new for one in done))

    def crop_image(self, job: Job) -> Done:
        """Crop all boxes of one image: decoded once, and not at all if nothing is missing."""
        path, size = self._find(job)
        done = {
            target.annotation_id: target.known
            for target in job.targets
            if target.known is not None and self._is_done(job, target, target.known, size)
        }
        wanted = [target for target in job.targets if target.annotation_id not in done]
        made = self._crop_file(job, wanted, path) if wanted else {}
        rows = done | made
        return Done([rows[target.annotation_id] for target in job.targets], len(made))

    def _find(self, job: Job) -> tuple[Path, int | None]:
        """The first candidate that exists and its size in bytes."""
        for candidate in job.candidates:
            try:
                return self.images / candidate, (self.images / candidate).stat().st_size
            except OSError:
                continue
        return self.images / job.candidates[0], None

    def _is_done(self, job: Job, target: Target, known: CropRow, size: int | None) -> bool:
        """Whether an earlier run's crop is there, unharmed, and what this run would make."""
        wanted = (job.source, job.image_id, self.recipe.key, _box_text(job, target))
        if (known.source, known.image_id, known.recipe, known.box) != wanted:
            return False
        if known.path is None:
            return False
        if size is not None and size != known.source_bytes:  # the raw image was fetched again
            return False
        try:
            return sha256_file(self.crops / known.path) == known.sha256
        except OSError:
            return False

    def _crop_file(self, job: Job, targets: Sequence[Target], path: Path) -> dict[str, CropRow]:
        blank = {target.annotation_id: self._blank(job, target) for target in targets}
        try:
            data = read_image_file(path)
            opened = open_bytes(data)
        except ImageError as error:
            return {key: _rejected(row, error) for key, row in blank.items()}
        blank = {
            key: row._replace(
                source_width=opened.width, source_height=opened.height, source_bytes=len(data)
            )
            for key, row in blank.items()
        }
        return self._crop_opened(job, targets, opened, blank)

    def _crop_opened(
        self, job: Job, targets: Sequence[Target], opened: OpenedImage, blank: dict[str, CropRow]
    ) -> dict[str, CropRow]:
        rows: dict[str, CropRow] = {}
        places: dict[str, Rectangle] = {}
        for target in targets:
            key = target.annotation_id
            try:
                places[key] = self._place(job, target, opened)
            except BoxError as error:
                rows[key] = _rejected(blank[key], error)
        if not places:
            return rows
        shrink = shrink_factor(places.values(), self.recipe.max_size)
        try:
            decoded = opened.decode(
                shrink=shrink,
                rows=rows_needed(places.values(), self.recipe.max_size),
                keep_truncated=self.recipe.keep_truncated,
            )
        except ImageError as error:
            return rows | {key: _rejected(blank[key], error) for key in places}
        for key, rectangle in places.items():
            try:
                rows[key] = self._write(blank[key], rectangle, opened, decoded)
            except ImageError as error:
                rows[key] = _rejected(blank[key], error)
        return rows

    def _place(self, job: Job, target: Target, opened: OpenedImage) -> Rectangle:
        return place(
            target.box,
            relative=target.relative,
            width=opened.width,
            height=opened.height,
            declared=job.declared,
            recipe=self.recipe,
        )

    def _write(
        self, row: CropRow, rectangle: Rectangle, opened: OpenedImage, decoded: Decoded
    ) -> CropRow:
        if rectangle[3] > decoded.share * opened.height:
            raise ImageError("truncated", f"{decoded.share:.0%} of the rows decoded")
        name = crop_name(row.source, row.annotation_id)
        if not is_safe_name(name):
            raise ImageError("bad_name", f"{name!r} leaves the crops folder")
        crop = render(decoded.image, rectangle, opened.width, self.recipe)
        data = to_jpeg(crop, self.recipe.quality)
        try:
            # not durable: the hash in the table finds what a power cut may break
            write_bytes(self.crops / name, data, durable=False)
        except OSError as error:
            if error.errno not in _BAD_NAME:
                raise
            raise ImageError("bad_name", f"{name!r}: {error.strerror}") from error
        return row._replace(
            path=name, width=crop.width, height=crop.height, sha256=sha256_bytes(data)
        )

    def _blank(self, job: Job, target: Target) -> CropRow:
        """The row of a crop that is still to be made."""
        return CropRow(
            path=None,
            image_id=job.image_id,
            annotation_id=target.annotation_id,
            status="whole" if target.box is None else "crop",
            reason=None,
            source=job.source,
            source_width=None,
            source_height=None,
            width=None,
            height=None,
            sha256=None,
            box=_box_text(job, target),
            recipe=self.recipe.key,
            source_bytes=None,
            detail=None,
        )


def _rejected(row: CropRow, error: ImageError) -> CropRow:
    return row._replace(status="reject", reason=error.reason, detail=error.detail)


def _box_text(job: Job, target: Target) -> str:
    """The box as asked for, and the image size it counts on; a change of either is a new crop."""
    if target.box is None:
        return "whole"
    if target.relative:
        return f"{target.box} of the image"
    size = " of {:g} x {:g}".format(*job.declared) if job.declared else ""
    return f"{target.box}{size}"
