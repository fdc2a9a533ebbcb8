"""``splits.json``: which group of crops belongs to train, val and test.

The file has MegaDetector's form, ``{"train": [["dataset", "location"], ...], "val": [...],
"test": [...]}``. The second word is the table's ``group``: the camera location where it is known,
otherwise ``sequence:<id>`` or ``image:<id>``.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.errors import FieldmarkError
from classification.files import read_json, write_json

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "val", "test")
_SHOWN = 10

Group = tuple[str, str]  # dataset, group


def read_splits(path: Path) -> dict[str, set[Group]]:
    """Read ``splits.json``; whole numbers, which older files hold as locations, become strings.

    Raises:
        FieldmarkError: the file is missing, has another form, or names a group more than once.
    """
    record = read_json(path, what="splits file")
    if (
        not isinstance(record, dict)
        or not set(record) <= set(SPLITS)
        or not all(isinstance(groups, list) for groups in record.values())
    ):
        raise FieldmarkError(
            f"{path} is not a splits file: it must be an object with the keys {', '.join(SPLITS)}, "
            'each a list of ["dataset", "location"]. Write one with '
            "utils/create_classification_dataset.py --mode splits."
        )
    malformed = [
        f"{split}: {pair!r}" for split in record for pair in record[split] if not _is_pair(pair)
    ]
    if malformed:
        raise FieldmarkError.from_problems(
            f'{path}: {len(malformed)} entries are not ["dataset", "location"]:',
            malformed[:_SHOWN],
        )
    listed = {s: [(str(d), str(g)) for d, g in record.get(s, [])] for s in SPLITS}
    _require_unique(listed, path)
    return {split: set(groups) for split, groups in listed.items()}


def write_splits(path: Path, splits: Mapping[str, set[Group]]) -> None:
    """Write ``splits.json``, groups sorted by name, atomically."""
    write_json(path, {s: [list(group) for group in sorted(splits.get(s, ()))] for s in SPLITS})


def assign_splits(table: "pd.DataFrame", splits: Mapping[str, set[Group]]) -> "pd.Series":
    """The split of every row of `table`, the whole classification table.

    Args:
        table: rows with ``dataset`` and ``group``.
        splits: split to its (dataset, group) pairs, as `read_splits` gives them.

    Returns:
        "train", "val" or "test" per row, with the index of `table`.

    Raises:
        FieldmarkError: some groups of the table are in no split, or some groups of the splits are
            not in the table; all of them are counted and ten are named.
    """
    import pandas as pd

    split_of = {group: split for split in SPLITS for group in splits.get(split, ())}
    keys = pd.MultiIndex.from_frame(table[["dataset", "group"]])
    codes, groups = pd.factorize(keys)
    names = [split_of.get(group) for group in groups]
    missing = [group for group, name in zip(groups, names, strict=True) if name is None]
    unknown = sorted(set(split_of) - set(groups))
    problems = [
        f"{len(found)} groups {what}: {_names(found)}"
        for found, what in [
            (sorted(missing), "of the table are in no split"),
            (unknown, "of the splits are not in the table"),
        ]
        if found
    ]
    if problems:
        raise FieldmarkError.from_problems(
            "the splits and the classification table do not belong together; write new splits "
            "with utils/create_classification_dataset.py --mode splits cct:",
            problems,
        )
    values = pd.Series(names, dtype="str").to_numpy()[codes]
    return pd.Series(values, index=table.index, name="split", dtype="str")


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(v, str | int) for v in pair)


def _require_unique(listed: Mapping[str, list[Group]], path: Path) -> None:
    counts = Counter(group for groups in listed.values() for group in groups)
    twice = sorted(group for group, count in counts.items() if count > 1)
    if twice:
        where = {
            g: [s for s in SPLITS for group in listed[s] if group == g] for g in twice[:_SHOWN]
        }
        raise FieldmarkError.from_problems(
            f"{path}: {len(twice)} groups are listed more than once; a camera location may be in "
            "one split only. Remove the wrong entries, or write new splits with "
            "utils/create_classification_dataset.py --mode splits cct:",
            [f"{dataset}/{group}: {', '.join(where[dataset, group])}" for dataset, group in where],
        )


def _names(groups: list[Group]) -> str:
    shown = ", ".join("/".join(group) for group in groups[:_SHOWN])
    return shown + (", ..." if len(groups) > _SHOWN else "")
