"""The faults of real archives, put into a finished dataset on purpose.

Each kind is one that shipped datasets have shown: NaN in boxes and integer locations (LILA), names
with stray blanks and capitals, frames listed twice, files cut off by a full card or lost.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from classification.data.sample.records import CATEGORY_IDS, Record
from classification.files import atomic_open

KEPT_SHARE = 0.55  # of a truncated file's bytes
ODD_FOX = max(CATEGORY_IDS.values()) + 1


def soil(cct: Record, images: Path) -> None:
    """Put one fault of each kind into `cct` and the files below `images`, and list them.

    ``info.faults`` afterwards holds ``kind`` and ``id`` of each, so that a test of a cleaning step
    can check that it found them all.
    """
    boxed = [one for one in cct["annotations"] if "bbox" in one]
    by_id = {image["id"]: image for image in cct["images"]}
    alone = _alone(boxed)
    faults = [
        *_break_boxes(alone, by_id),
        _odd_category(cct, boxed),
        *_integer_locations(cct),
        _no_size(by_id[next(alone)["image_id"]]),
        _truncate(by_id[next(alone)["image_id"]], images),
        _lose(by_id[next(alone)["image_id"]], images),
        _duplicate(cct, next(alone), by_id, images),
    ]
    cct["info"]["faults"] = [{"kind": kind, "id": one} for kind, one in faults]


def _alone(boxed: list[Record]) -> Iterator[Record]:
    """One annotation per burst, so that no image gets two faults; the commonest species first.

    Bursts with foxes are left for the fault in the name of their category.
    """
    counts = Counter(one["category_id"] for one in boxed)
    seen = {_burst(one) for one in boxed if one["category_id"] == CATEGORY_IDS["fox"]}
    for one in sorted(boxed, key=lambda one: -counts[one["category_id"]]):
        if _burst(one) not in seen:
            seen.add(_burst(one))
            yield one


def _burst(annotation: Record) -> str:
    return annotation["image_id"].rsplit("_", 1)[0]


def _break_boxes(alone: Iterator[Record], by_id: dict[str, Record]) -> list[tuple[str, str]]:
    zero, nan, outside, beyond = (next(alone) for _ in range(4))
    zero["bbox"] = [*zero["bbox"][:3], 0.0]
    nan["bbox"] = [float("nan"), *nan["bbox"][1:]]
    outside["bbox"] = [by_id[outside["image_id"]]["width"] + 20.0, *outside["bbox"][1:]]
    beyond["bbox"] = [*beyond["bbox"][:2], by_id[beyond["image_id"]]["width"] + 50.0, 90.0]
    return [
        ("zero_box", zero["id"]),
        ("nan_box", nan["id"]),
        ("box_outside", outside["id"]),
        ("box_beyond_edge", beyond["id"]),
    ]


def _odd_category(cct: Record, boxed: list[Record]) -> tuple[str, str]:
    cct["categories"].append({"id": ODD_FOX, "name": " Fox "})
    fox = next(one for one in boxed if one["category_id"] == CATEGORY_IDS["fox"])
    fox["category_id"] = ODD_FOX
    return "category_spelling", fox["id"]


def _integer_locations(cct: Record) -> Iterator[tuple[str, str]]:
    """The last location becomes a number, in every second image as text."""
    last = cct["images"][-1]["location"]
    number = int(last.rsplit("-", 1)[1])
    for order, image in enumerate(one for one in cct["images"] if one["location"] == last):
        image["location"] = str(number) if order % 2 else number
        if not order % 2:
            yield "integer_location", image["id"]


def _no_size(image: Record) -> tuple[str, str]:
    del image["width"], image["height"]
    return "no_size", image["id"]


def _truncate(image: Record, images: Path) -> tuple[str, str]:
    path = images / image["file_name"]
    content = path.read_bytes()
    with atomic_open(path, "wb") as f:
        f.write(content[: int(len(content) * KEPT_SHARE)])
    return "truncated_file", image["id"]


def _lose(image: Record, images: Path) -> tuple[str, str]:
    (images / image["file_name"]).unlink()
    return "missing_file", image["id"]


def _duplicate(
    cct: Record, annotation: Record, by_id: dict[str, Record], images: Path
) -> tuple[str, str]:
    image = by_id[annotation["image_id"]]
    folder, copy_id = image["file_name"].split("/")[0], f"{image['id']}_copy"
    copy = image | {"id": copy_id, "file_name": f"{folder}/{copy_id}.jpg"}
    with atomic_open(images / copy["file_name"], "wb") as f:
        f.write((images / image["file_name"]).read_bytes())
    cct["images"].append(copy)
    cct["annotations"].append(annotation | {"id": f"{copy_id}_0", "image_id": copy_id})
    return "duplicate_image", copy_id
