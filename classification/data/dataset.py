"""A dataset as a run sees it: table, splits and classes, checked together."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.config import DataConfig
from classification.data.audit import audit, require_no_leaks
from classification.data.splits import assign_splits, read_splits
from classification.data.table import read_table
from classification.errors import FieldmarkError
from classification.files import read_json, sha256_file, sha256_lines
from classification.paths import DatasetPaths

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Crops with splits and, where known, labels. Row i is the same item everywhere.

    Attributes:
        table: the classification table.
        split: "train", "val" or "test" of each row, [N].
        classes: class names; the position is the class id.
        labels: int64 [N], class id, -1 where nobody has labelled the item.
        crops: folder that the paths of the table are relative to.
        hashes: SHA-256 of the three files, and of the rows and labels of the test split.
    """

    table: "pd.DataFrame"
    split: NDArray[np.str_]
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    crops: Path
    hashes: dict[str, str]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def paths(self) -> list[str]:
        """Crop path of each row: the item's name."""
        return self.table["path"].tolist()

    @property
    def shown(self) -> list[str]:
        """Paths of the items inside the `crops` folder, which is what people open to label."""
        return [path for path in self.paths if not path.startswith("../") and ":" not in path[:2]]

    @property
    def groups(self) -> NDArray[np.str_]:
        """``dataset/group`` of each row: the camera location where it is known, [N]."""
        return (self.table["dataset"] + "/" + self.table["group"]).to_numpy(dtype=str)

    def rows(self, split: str, *, labelled: bool = False) -> NDArray[np.intp]:
        """Positions of a split's rows; with `labelled`, only those whose label is known."""
        found = self.split == split
        return np.flatnonzero(found & (self.labels >= 0) if labelled else found).astype(np.intp)


def load_dataset(config: DataConfig, *, people: bool = False) -> Dataset:
    """Read and check a dataset.

    Args:
        config: where it is, and which leaks to accept.
        people: people label while it is used, the test split, too; it may have no label yet.

    Raises:
        FieldmarkError: a file is missing or broken; files that do not belong together; a leaking
            split whose kind of leak `config.allow_leaks` does not name; fewer than two classes; a
            class that could never be learned.
    """
    paths = DatasetPaths(Path(config.dir))
    if not paths.root.is_dir():
        raise FieldmarkError(
            f"dataset folder not found: {paths.root}. Make it with utils/crop_detections.py and "
            "utils/create_classification_dataset.py, or correct data.dir."
        )
    table = read_table(paths.table)
    if table.empty:
        raise FieldmarkError(f"{paths.table} has no rows: there is nothing to learn from")
    classes = read_classes(paths.label_index)
    split = assign_splits(table, read_splits(paths.splits))
    require_no_leaks(audit(table, split), allowed=config.allow_leaks)
    dataset = Dataset(
        table=table,
        split=split.to_numpy(dtype=str),
        classes=classes,
        labels=_class_ids(table, classes, paths),
        crops=paths.crops,
        hashes={
            "table": sha256_file(paths.table),
            "label_index": sha256_file(paths.label_index),
            "splits": sha256_file(paths.splits),
        },
    )
    dataset.hashes["test_split"] = test_hash(dataset)
    _require_learnable(dataset, paths, people=people)
    return dataset


def read_classes(path: Path) -> tuple[str, ...]:
    """Class names of ``label_index.json``, by id.

    Raises:
        FieldmarkError: the file is not ``{"0": name, "1": name, ...}``, or names one class only.
    """
    index = read_json(path, what="label index")
    wanted = [str(i) for i in range(len(index))]
    if not isinstance(index, dict) or sorted(index, key=lambda k: (len(k), k)) != wanted:
        raise FieldmarkError(f'{path} must be {{"0": "class", "1": "class", ...}} without gaps')
    if len(index) < 2:
        names = ", ".join(map(str, index.values())) or "none"
        raise FieldmarkError(
            f"{path} holds {len(index)} class ({names}); a classifier needs at least two. Keep "
            "more categories in the category map, or lower --min-locs."
        )
    return tuple(str(index[key]) for key in wanted)


def _class_ids(
    table: "pd.DataFrame", classes: tuple[str, ...], paths: DatasetPaths
) -> NDArray[np.int64]:
    known = {name: i for i, name in enumerate(classes)}
    names = table["label"]
    strange = sorted(set(names.dropna()) - known.keys())
    if strange:
        raise FieldmarkError(
            f"{paths.table} holds labels that {paths.label_index.name} lacks: "
            f"{', '.join(strange[:_SHOWN])}. The two are of different data; write both again with "
            "utils/create_classification_dataset.py --mode csv."
        )
    return np.array([known.get(name, -1) for name in names], dtype=np.int64)


def _require_learnable(dataset: Dataset, paths: DatasetPaths, *, people: bool) -> None:
    """Every class tested must be in train, or may be hidden among its unlabelled rows."""
    problems = []
    if not len(dataset.rows("train")):
        problems.append("the train split is empty: there is no pool to query")
    if not len(dataset.rows("test", labelled=not people)):
        problems.append("the test split has no labelled crop: nothing could be measured")
    if len(dataset.rows("train")) == len(dataset.rows("train", labelled=True)):
        counts = np.bincount(
            dataset.labels[dataset.split == "train"], minlength=len(dataset.classes)
        )
        problems += [
            f"class {name!r} has no training crop (val or test: "
            f"{int((dataset.labels == i).sum())}); merge or drop it in the category map, or raise "
            "--min-locs"
            for i, name in enumerate(dataset.classes)
            if counts[i] == 0
        ]
    if problems:
        raise FieldmarkError.from_problems(f"{paths.root} cannot be trained on:", problems)


def test_hash(dataset: Dataset) -> str:
    """Identity of the test: two models may be compared when they were measured on the same one."""
    rows = dataset.table.loc[dataset.split == "test", ["sha256", "label"]]
    return sha256_lines(sorted(f"{h} {label}" for h, label in rows.itertuples(index=False)))
