"""Which label a crop gets: renaming and merging classes, leaving some out, counting locations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.data.cct import UNLABELLED
from classification.errors import FieldmarkError
from classification.files import read_yaml, write_json

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class LabelRules:
    """How dataset classes become labels.

    spec: label to the dataset classes that it takes in; classes in no list are left out. None
        keeps every class under its own name.
    exclude: labels whose crops are left out.
    min_groups: labels seen in fewer groups (camera locations) are left out.
    """

    spec: Mapping[str, tuple[str, ...]] | None = None
    exclude: tuple[str, ...] = ("empty",)
    min_groups: int = 1


def read_label_spec(path: Path) -> dict[str, tuple[str, ...]]:
    """Read a label specification, YAML or JSON: ``{label: [dataset class, ...], ...}``.

    Raises:
        FieldmarkError: not such a file, or a class under two labels; all faults at once.
    """
    spec = read_yaml(path, what="label specification")
    problems = _spec_problems(spec)
    if problems:
        raise FieldmarkError.from_problems(
            f"label specification {path} must look like "
            "{deer: [red_deer, roe_deer], fox: [red_fox]}:",
            problems,
        )
    return {str(label): tuple(map(str, classes)) for label, classes in spec.items()}


def apply_labels(table: "pd.DataFrame", rules: LabelRules) -> "tuple[pd.DataFrame, list[str]]":
    """The rows that stay, with their labels; and what was left out or is odd, one line each.

    Args:
        table: rows with ``dataset``, ``group`` and ``dataset_class``; class ``unlabelled`` becomes
            an empty label.
        rules: see `LabelRules`.

    Raises:
        FieldmarkError: an excluded label that does not exist, or no row is left.
    """
    classes = table["dataset_class"].mask(table["dataset_class"] == UNLABELLED)
    label, notes = (classes, []) if rules.spec is None else _merge(classes, rules.spec)
    unnamed = classes.notna() & label.isna()
    _require_known(rules.exclude, label)
    excluded = label.isin(rules.exclude)
    groups = table.assign(label=label)[~excluded].drop_duplicates(["dataset", "group", "label"])
    locations = groups["label"].value_counts()
    rare = label.isin(locations.index[locations < rules.min_groups])
    notes += _left_out(classes[unnamed], "of classes that --label-spec does not name")
    notes += _left_out(label[excluded], "by --exclude")
    notes += _left_out(label[rare], f"in fewer than {rules.min_groups} locations (--min-locs)")
    kept = table.assign(label=label)[~(unnamed | excluded | rare)]
    if kept.empty:
        raise FieldmarkError.from_problems("no crop is left for the classification table:", notes)
    if blank := int(kept["label"].isna().sum()):
        notes.append(f"{blank} crops are not labelled yet")
    return kept, notes


def class_names(labels: "pd.Series", more: Sequence[str] = ()) -> list[str]:
    """The classes there are labels of, and `more`, in sorted order.

    Raises:
        FieldmarkError: a name is blank, or only capitals, blanks or underscores tell it from
            another.
    """
    names = sorted({*labels.dropna(), *(" ".join(name.split()) for name in more)})
    spelt: dict[str, list[str]] = {}
    for name in names:
        spelt.setdefault("_".join(name.casefold().replace("_", " ").split()), []).append(name)
    alike = [" and ".join(group) for group in spelt.values() if len(group) > 1]
    if "" in names or alike:
        raise FieldmarkError.from_problems(
            "--classes cannot be taken:",
            [*(["a name is blank"] if "" in names else []), *(f"{a} are one class" for a in alike)],
        )
    return names


def write_label_index(path: Path, names: Sequence[str]) -> None:
    """Write ``label_index.json``: class names under "0", "1", ..."""
    write_json(path, {str(i): name for i, name in enumerate(names)})


def _merge(
    classes: "pd.Series", spec: Mapping[str, tuple[str, ...]]
) -> "tuple[pd.Series, list[str]]":
    label_of = {name: label for label, names in spec.items() for name in names}
    absent = sorted(set(label_of) - set(classes.dropna()))
    notes = [f"classes of --label-spec that the data lack: {', '.join(absent)}"] if absent else []
    return classes.map(label_of).astype("str"), notes


def _left_out(labels: "pd.Series", why: str) -> list[str]:
    if labels.empty:
        return []
    counts = labels.value_counts()
    names = ", ".join(f"{name} {count}" for name, count in counts.head(_SHOWN).items())
    more = ", ..." if len(counts) > _SHOWN else ""
    return [f"{len(labels)} crops left out {why}: {names}{more}"]


def _require_known(exclude: tuple[str, ...], label: "pd.Series") -> None:
    known = set(label.dropna())
    # The default may name a class that this dataset does not have; a misspelt one may not pass.
    unknown = sorted(set(exclude) - known - set(LabelRules.exclude))
    if unknown:
        raise FieldmarkError(
            f"--exclude names labels that the data lack: {', '.join(unknown)}. There are: "
            f"{', '.join(sorted(known))}"
        )


def _spec_problems(spec: Any) -> list[str]:
    if not isinstance(spec, dict) or not spec:
        return [f"it is {type(spec).__name__}, not a mapping of labels"]
    lists = [f"{label!r} has no list of classes" for label, v in spec.items() if not _is_list(v)]
    if lists:
        return lists
    pairs = [(str(name), str(label)) for label, names in spec.items() for name in names]
    seen: dict[str, set[str]] = {}
    for name, label in pairs:
        seen.setdefault(name, set()).add(label)
    return [
        f"class {name!r} is under {len(labels)} labels: {', '.join(sorted(labels))}"
        for name, labels in seen.items()
        if len(labels) > 1
    ]


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str | int) for v in value)
