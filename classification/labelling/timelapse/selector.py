"""What a round gives to Timelapse: all images, with those to label ticked, and a template."""

import csv
from collections.abc import Collection, Sequence

from classification.files import atomic_open
from classification.labelling.timelapse.template import SELECTED, write_template
from classification.paths.labels import TimelapsePaths

ANSWERS = ("unsure", "exclude")
"""Offered beside the classes: cannot tell, and leave this image out."""


def split_item(item: str) -> tuple[str, str]:
    """File and relative path of an item as Timelapse writes them: ``b.jpg``, ``cam1\\day2``."""
    folder, _, file = item.rpartition("/")
    return file, folder.replace("/", "\\")


def hand_out(
    paths: TimelapsePaths, items: Sequence[str], wanted: Collection[str], classes: Sequence[str]
) -> None:
    """Write ``timelapse_selector.csv``, the template and the folder for what comes back.

    Timelapse imports the CSV (File, Import from CSV) over all images of its folder, so that ticks
    of an earlier round disappear.

    Args:
        paths: where to write.
        items: every image of the folder that people label, relative to it.
        wanted: those to label now.
        classes: what can be chosen, beside `ANSWERS`.
    """
    ticked = frozenset(wanted)
    with atomic_open(paths.selector) as f:
        rows = csv.writer(f, lineterminator="\n")
        rows.writerow(("File", "RelativePath", SELECTED))
        rows.writerows((*split_item(item), item in ticked) for item in items)
    write_template(paths.template, [*classes, *(a for a in ANSWERS if a not in classes)])
    paths.returned.mkdir(exist_ok=True)
