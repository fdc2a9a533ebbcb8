"""Which labels to keep, drop, rename and merge; names of labels and locations made comparable.

A map is YAML or JSON with any of four sections::

    keep: [bobcat, coyote]
    drop: [car, person]
    rename: {virginia opossum: opossum}
    merge: {rodent: [mouse, rat, ground squirrel]}

animl-ml's list of ``{id, name, keep, convert_to}`` is read as well. Case, outer blanks and the
kind of blank do not matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from classification.errors import FieldmarkError
from classification.files import read_yaml

_SECTIONS = ("keep", "drop", "rename", "merge")


@dataclass(frozen=True)
class CategoryMap:
    """From label to label; None drops the label. Labels that are not in it stay as they are."""

    targets: dict[str, str | None]


def normalise(names: pd.Series) -> pd.Series:
    """Names in lower case, without outer blanks, inner ones as one ``_``; empty becomes NA.

    ``" Mule  Deer"``, ``mule deer`` and ``mule_deer`` are one label, ``Cam A`` and ``cam_a`` one
    location.
    """
    text = names.str.casefold().str.strip().str.replace(r"[\s_]+", "_", regex=True)
    return text.where(text != "")


def read_category_map(path: Path) -> CategoryMap:
    """Read a map.

    Raises:
        FieldmarkError: not YAML or JSON, unknown sections, or labels with two fates.
    """
    value = read_yaml(path, what="category map")
    problems: list[str] = []
    pairs = list(_animl_pairs(value) if isinstance(value, list) else _pairs(value, problems))
    targets: dict[str, str | None] = {}
    for label, target in _normal(pairs):
        if label in targets and targets[label] != target:
            problems.append(f"{label!r} has two fates: {targets[label]!r} and {target!r}")
        targets[label] = target
    if problems:
        raise FieldmarkError.from_problems(f"category map {path}:", problems)
    return CategoryMap(targets)


def _pairs(value: Any, problems: list[str]) -> Iterable[tuple[str, str | None]]:
    if not isinstance(value, dict):
        problems.append(f"the top level is not a mapping with {', '.join(_SECTIONS)}")
        return
    for section, entries in value.items():
        if section not in _SECTIONS:
            problems.append(f"unknown section {section!r}; known are {', '.join(_SECTIONS)}")
        elif section in ("keep", "drop"):
            if not isinstance(entries, list):
                problems.append(f"{section} is not a list of labels")
                continue
            for label in entries:
                yield str(label), str(label) if section == "keep" else None
        elif not isinstance(entries, dict):
            problems.append(f"{section} is not a mapping")
        elif section == "rename":
            for label, target in entries.items():
                yield str(label), str(target)
        else:
            for target, labels in entries.items():
                for label in labels if isinstance(labels, list) else [labels]:
                    yield str(label), str(target)


def _animl_pairs(entries: list[Any]) -> Iterable[tuple[str, str | None]]:
    for entry in entries:
        if isinstance(entry, dict) and "name" in entry:
            target = entry.get("convert_to") or entry["name"]
            yield str(entry["name"]), str(target) if entry.get("keep", True) else None


def _normal(pairs: list[tuple[str, str | None]]) -> Iterable[tuple[str, str | None]]:
    if not pairs:
        return []
    labels = normalise(pd.Series([label for label, _ in pairs], dtype="str"))
    targets = normalise(pd.Series([target for _, target in pairs], dtype="str"))
    return zip(labels, targets.astype(object).where(targets.notna(), None), strict=True)
