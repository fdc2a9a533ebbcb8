"""Looking into image folders: which images there are, and whether they are whole."""

import os
from dataclasses import dataclass
from pathlib import Path

from classification.data.images import IMAGE_SUFFIXES, ImageError, open_bytes, read_image_file
from classification.errors import FieldmarkError
from classification.files import sha256_bytes

_SHRINK = 8  # a JPEG is decoded at an eighth: enough to know that it is whole


@dataclass(frozen=True, kw_only=True)
class Folders:
    """Where images are; `output` is left out of the search."""

    train: Path
    unlabelled: Path
    validation: Path | None
    output: Path


@dataclass(frozen=True, kw_only=True)
class Found:
    """An image file of one of the folders."""

    path: str
    """Relative to the unlabelled folder, with slashes."""
    split: str
    label: str | None


def named(folders: Folders) -> dict[str, Path | None]:
    """The folders by name, as absolute paths."""
    given = {
        "train": folders.train,
        "unlabelled": folders.unlabelled,
        "validation": folders.validation,
    }
    return {name: None if path is None else path.resolve() for name, path in given.items()}


def require_folders(folders: Folders) -> None:
    """Refuse folders that are missing or lie in one another, all faults together."""
    given = {k: v for k, v in named(folders).items() if v is not None}
    problems = [f"{k}_data: no such folder: {v}" for k, v in given.items() if not v.is_dir()]
    problems += [
        f"{a}_data {given[a]} lies in {b}_data {given[b]}; its images would be in both"
        for a in given
        for b in given
        if a != b and given[a].is_relative_to(given[b])
    ]
    if problems:
        raise FieldmarkError.from_problems("the image folders cannot be used:", problems)


def image_names(folder: Path) -> list[str]:
    """Images in a folder and below, relative to it with slashes, sorted; hidden ones left out.

    Raises:
        FieldmarkError: there is no such folder.
    """
    if not folder.is_dir():
        raise FieldmarkError(f"folder of images not found: {folder}")
    files = [p.relative_to(folder) for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES]
    return sorted(f.as_posix() for f in files if not any(part[0] == "." for part in f.parts))


def class_folders(folder: Path) -> list[str]:
    """Names of the subfolders, sorted; hidden ones left out."""
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def find_images(folders: Folders) -> list[Found]:
    """Every image file, in order of split and path."""
    root, skip = folders.unlabelled.resolve(), folders.output.resolve()
    found = [Found(path=name, split="train", label=None) for name in _images(root, skip)]
    labelled = [(folders.train, "train")]
    if folders.validation is not None:
        labelled.append((folders.validation, "test"))
    for folder, split in labelled:
        start = relative(folder.resolve(), root)
        for name in _images(folder.resolve(), skip):
            label, slash, _ = name.partition("/")
            if slash:  # files beside the class folders have no class
                found.append(Found(path=f"{start}/{name}", split=split, label=label))
    return found


def relative(folder: Path, start: Path) -> str:
    """`folder` as seen from `start`, with slashes; on another Windows drive, as it is."""
    try:
        return Path(os.path.relpath(folder, start)).as_posix()
    except ValueError:
        return folder.as_posix()


def _images(folder: Path, skip: Path) -> list[str]:
    """Image files anywhere under `folder`, relative to it, sorted; hidden ones left out."""
    found: list[str] = []
    for top, inside, files in os.walk(folder):
        here = Path(top)
        inside[:] = [n for n in inside if not n.startswith(".") and here / n != skip]
        start = here.relative_to(folder).as_posix()
        # os.path.splitext takes a tenth of the time of Path.suffix: 1 million names count
        names = [n for n in files if not n.startswith(".")]
        found += [
            n if start == "." else f"{start}/{n}"
            for n in names
            if os.path.splitext(n)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122
        ]
    return sorted(found)


def look_at(path: Path) -> str | ImageError:
    """Hex SHA-256 of a whole image, or what is wrong with it."""
    try:
        data = read_image_file(path)
        open_bytes(data).decode(shrink=_SHRINK)
    except ImageError as error:
        return error
    return sha256_bytes(data)
