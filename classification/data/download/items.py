"""What to fetch: each image's place in the output folder and the addresses it may come from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from classification.data.download.names import UnsafeNameError, safe_path
from classification.data.download.options import DownloadOptions
from classification.data.download.record import Record
from classification.errors import FieldmarkError
from classification.files import read_json
from classification.paths import DownloadPaths

# Animl's export: animl-api/src/task/annotations.ts and animl-analytics/utils/download_images.py
ANIML_BUCKET = "animl-images-serving-prod"
ANIML_KEY = "serving_bucket_key"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One file to have."""

    path: str
    """Relative to the output folder, safe to join."""
    addresses: tuple[str, ...]
    """https:// or s3:// addresses of the same content, in order of preference."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The files of one dataset, and those that cannot be asked for."""

    items: list[Item]
    rejects: list[Record]
    animl: bool = False


def wanted(options: DownloadOptions) -> Wanted:
    """Every image of the dataset that `options` name.

    Only the ``images`` of the JSON are read: annotations that dangle, or one bad file name, are
    no reason to fetch nothing.

    Raises:
        FieldmarkError: not a dataset, or it does not say where its images are.
    """
    images = _images(options.cct_json)
    animl = any(ANIML_KEY in image for image in images)
    if options.manifest:
        found = from_manifest(options.manifest)
        pairs = [(_name(image), found.get(_name(image), ())) for image in images]
    elif options.source:
        pairs = [(_name(i), under(options.source, _name(i))) for i in images]
    elif animl:
        pairs = [(_name(image), _animl_address(image)) for image in images]
    else:
        raise FieldmarkError(
            f"{options.cct_json} does not say where its images are (no {ANIML_KEY!r} as in Animl "
            "exports): give --source s3://bucket/prefix or https://..., or --manifest sources.csv"
        )
    return resolve(pairs, animl=animl and not options.source and not options.manifest)


def resolve(pairs: Iterable[tuple[str, Sequence[str]]], *, animl: bool = False) -> Wanted:
    """Items for (file name, addresses) pairs; names that are unsafe or clash become rejects."""
    items: dict[str, Item] = {}
    rejects: dict[str, Record] = {}
    own = {DownloadPaths(Path()).ledger.name, DownloadPaths(Path()).manifest.name}
    for name, addresses in pairs:
        try:
            item = Item(path=safe_path(name), addresses=tuple(addresses))
        except UnsafeNameError as error:
            rejects[name] = Record.failed(name, "unsafe_name", str(error))
            continue
        if item.path in own or item.path.startswith(tuple(f"{n}-" for n in own)):
            rejects[name] = Record.failed(name, "unsafe_name", "the name of a file kept here")
        elif not addresses:
            rejects[name] = Record.failed(item.path, "no_address", "no address for this file")
        elif items.setdefault(item.path, item) != item:
            other = items[item.path].addresses[0]
            rejects[name] = Record.failed(name, "name_clash", f"the same name as {other}")
    return Wanted(items=list(items.values()), rejects=list(rejects.values()), animl=animl)


def under(bases: Sequence[str], name: str) -> tuple[str, ...]:
    """The addresses of `name` below each of `bases`; quoted where they are web addresses."""
    key = name.replace("\\", "/")
    return tuple(
        f"{base.rstrip('/')}/{key if base.startswith('s3://') else quote(key, safe='/')}"
        for base in bases
    )


def from_manifest(path: Path) -> dict[str, tuple[str, ...]]:
    """Addresses per file name out of a CSV: ``file_name`` and every column named ``url...``."""
    from classification.schemas import SourceTable, read_csv

    table = read_csv(path, SourceTable, what="manifest of image addresses")
    columns = [column for column in table.columns if str(column).startswith("url")]
    rows = table[columns].itertuples(index=False, name=None)
    return {
        name: tuple(url for url in row if isinstance(url, str))
        for name, row in zip(table["file_name"], rows, strict=True)
    }


def _images(path: Path) -> list[dict[str, Any]]:
    value = read_json(path, what="COCO Camera Traps file")
    images = value.get("images") if isinstance(value, dict) else None
    if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
        raise FieldmarkError(f"{path} is not a COCO Camera Traps file: it has no list of images")
    if not images:
        raise FieldmarkError(f"{path} names no images: there is nothing to download")
    return images


def _name(image: dict[str, Any]) -> str:
    name = image.get("file_name")
    return "" if name is None else str(name)


def _animl_address(image: dict[str, Any]) -> tuple[str, ...]:
    key = image.get(ANIML_KEY)
    return (f"s3://{ANIML_BUCKET}/{key}",) if key else ()
