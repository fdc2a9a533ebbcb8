"""LILA's list of datasets: names, and where images, metadata and boxes of each are published."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from classification.errors import FieldmarkError


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One camera-trap dataset; addresses in order of preference."""

    name: str
    """As in the table of all images."""
    slug: str
    """Short name, safe as a folder."""
    place: str
    """Country or region, for people."""
    images: tuple[str, ...]
    """Base addresses that file names are appended to."""
    metadata: tuple[str, ...]
    """COCO Camera Traps JSON, may be zipped."""
    boxes: tuple[str, ...]
    """The same with boxes, where published apart."""


def read_catalog(path: Path, *, clouds: Sequence[str]) -> list[Dataset]:
    """The datasets in ``lila_camera_trap_datasets.csv``.

    Args:
        path: the CSV.
        clouds: gcp, aws, azure in order of preference.

    Raises:
        FieldmarkError: not that table.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise FieldmarkError(f"the list of datasets cannot be read: {path}: {error}") from error
    if "name" not in table or not any(f"image_base_url_{cloud}" in table for cloud in clouds):
        raise FieldmarkError(
            f"{path} is not LILA's list of datasets: it has the columns "
            f"{', '.join(map(str, table.columns[:8]))}, and needs name, image_base_url_gcp, ..."
        )
    rows = ({str(k): str(v) for k, v in row.items()} for row in table.to_dict("records"))
    found = [_dataset(row, clouds) for row in rows if row["name"].strip()]
    # Box files used to be listed as datasets of their own.
    return [dataset for dataset in found if "bbox" not in dataset.name.lower()]


def pick(datasets: Sequence[Dataset], names: Sequence[str]) -> list[Dataset]:
    """The datasets of these names or short names, in any case; no names: all.

    Raises:
        FieldmarkError: all names that are unknown, with similar ones.
    """
    known = {key: d for d in datasets for key in (d.name.lower(), d.slug.lower(), slug_of(d.name))}
    problems = [
        f"{name!r}{_similar(name, list(known))}" for name in names if name.lower() not in known
    ]
    if problems:
        raise FieldmarkError.from_problems(
            "no such dataset ('download_lila.py list' prints them):", problems
        )
    chosen = {known[name.lower()].name for name in names}
    return [d for d in datasets if not names or d.name in chosen]


def slug_of(name: str) -> str:
    """A folder name out of a dataset's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "dataset"


def listing(datasets: Sequence[Dataset]) -> str:
    """A table for the terminal."""
    rows = [("name", "short name", "where", "boxes apart")]
    rows += [(d.name, d.slug, d.place, "yes" if d.boxes else "") for d in datasets]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _dataset(row: dict[str, str], clouds: Sequence[str]) -> Dataset:
    def addresses(kind: str) -> tuple[str, ...]:
        found = (row.get(f"{kind}_{cloud}", "").strip() for cloud in clouds)
        return tuple(address for address in found if address)

    country, region = row.get("country", "").strip(), row.get("region", "").strip()
    return Dataset(
        name=row["name"].strip(),
        slug=slug_of(row.get("short_name", "").strip() or row["name"]),
        place=", ".join(part for part in (region, country) if part) or row.get("continent", ""),
        images=tuple(base.rstrip("/") for base in addresses("image_base_url")),
        metadata=addresses("metadata_url"),
        boxes=addresses("bbox_url"),
    )


def _similar(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name.lower(), known, n=3)
    return f" (similar: {', '.join(close)})" if close else ""
