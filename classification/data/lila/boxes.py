"""Boxes that LILA publishes apart from its table, joined to the images chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from classification.data.cct import load_cct

GENERIC = frozenset({"animal", "animals", "object", "wildlife", "bbox"})
"""Categories of box files that only say that something is there."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """One box of an image, as published: at least one of the two is there."""

    label: str
    """Category in lower case."""
    absolute: list[float] | None
    """x, y, width, height in pixels."""
    relative: list[float] | None
    """The same in 0..1."""


@dataclass(frozen=True, kw_only=True)
class BoxedImage:
    """What a box file says of an image."""

    width: float | None
    height: float | None
    """Pixels."""
    boxes: tuple[Box, ...]


@dataclass(frozen=True, kw_only=True)
class BoxFile:
    """The boxes of one dataset, by image id and by file name."""

    by_id: dict[str, BoxedImage]
    by_name: dict[str, BoxedImage]
    one_category: bool
    """The file tells no species apart."""

    def find(self, image_id: str, file_name: str) -> BoxedImage | None:
        """An image's entry; ids differ between the files of some datasets, names do not."""
        return self.by_id.get(image_id) or self.by_name.get(file_name)


def read_boxes(path: Path) -> BoxFile:
    """Read a COCO Camera Traps JSON for its boxes; images without any are left out.

    Raises:
        FieldmarkError: not such a file.
    """
    cct = load_cct(path)
    table = cct.annotations.assign(label=cct.names.str.lower().str.strip())
    table = table[table["bbox"].notna() | table["bbox_relative"].notna()]
    boxes: dict[str, list[Box]] = {}
    columns = table[["image_id", "label", "bbox", "bbox_relative"]]
    for image_id, label, absolute, relative in columns.itertuples(index=False, name=None):
        box = Box(
            label=label if isinstance(label, str) else "",
            absolute=_numbers(absolute),
            relative=_numbers(relative),
        )
        if box.absolute or box.relative:
            boxes.setdefault(image_id, []).append(box)
    images = cct.images[cct.images["id"].isin(boxes.keys())]
    by_id, by_name = {}, {}
    columns = images[["id", "file_name", "width", "height"]]
    for image_id, name, width, height in columns.itertuples(index=False, name=None):
        entry = BoxedImage(width=_size(width), height=_size(height), boxes=tuple(boxes[image_id]))
        by_id[image_id] = by_name[name] = entry
    labels = {box.label for found in boxes.values() for box in found}
    return BoxFile(by_id=by_id, by_name=by_name, one_category=len(labels) == 1)


def class_of_box(label: str, classes: Mapping[str, str], *, one_category: bool) -> str | None:
    """The class that a box shows, or None where it is not one that was asked for.

    Args:
        label: category of the box.
        classes: class of each label that its image was chosen for.
        one_category: the box file tells no species apart.
    """
    if label in classes:
        return classes[label]
    if len(set(classes.values())) == 1 and (one_category or label in GENERIC):
        return next(iter(classes.values()))
    return None


def _numbers(value: object) -> list[float] | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    numbers = [float(v) for v in value if isinstance(v, int | float) and v == v]
    return numbers if len(numbers) == 4 else None


def _size(value: float) -> float | None:
    return value if value == value and value > 0 else None
