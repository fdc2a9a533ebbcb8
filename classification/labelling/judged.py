"""What people say of items that no round learns from: the measure of a round, not its lesson.

These are the items of the splits val and test, whose labels may come from people after the splits
were made, and items of train that a person keeps for validation (`flags`). The latter are a part of
their own, `KEPT`: their cameras may be ones the model learns from, so a score on them says less
than one on val or test.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from classification.data.dataset import Dataset, test_hash
from classification.labelling.decisions import Decision

if TYPE_CHECKING:
    import pandas as pd

KEPT = "kept"
"""Stands beside train, val and test: items of train that a person keeps for validation."""


def judged_table(
    dataset: Dataset, decisions: Mapping[str, Decision], flags: Mapping[str, bool]
) -> "pd.DataFrame":
    """What people decided about items to measure on (`schemas.JudgedTable`), in order of path.

    Args:
        dataset: table, splits and the labels known from before.
        decisions: the current decision by item. It overrides the label of the table; where it is
            no label (unsure, excluded), the item is not measured on.
        flags: the latest validation flag by item; those of val and test items say nothing new.
    """
    import pandas as pd

    known = dataset.table["label"].astype(object).to_numpy()
    rows: list[tuple[str, str, str | None]] = []
    for i, (path, split) in enumerate(zip(dataset.paths, dataset.split, strict=True)):
        decision = decisions.get(path)
        kept = split == "train" and flags.get(path, False)
        if kept or (split in ("val", "test") and decision):
            before = known[i] if isinstance(known[i], str) else None
            label = decision.single if decision else before
            rows.append((path, KEPT if kept else str(split), label))
    return pd.DataFrame(sorted(rows), columns=["path", "split", "label"], dtype="str")


def kept_aside(dataset: Dataset, judged: "pd.DataFrame") -> Dataset:
    """The dataset with the part of each item of a `judged_table`: `KEPT` ones are not in train."""
    split = dataset.split.copy()
    split[_rows(dataset, judged)] = judged["split"].to_numpy(dtype=str)
    return replace(dataset, split=split)


def with_judged_labels(dataset: Dataset, judged: "pd.DataFrame") -> Dataset:
    """The dataset with the labels of a `judged_table`, all of them of its classes.

    Other labels of the test make it another test, which its hash says.
    """
    if judged.empty:
        return dataset
    ids = {name: i for i, name in enumerate(dataset.classes)}
    rows = _rows(dataset, judged)
    labels, table = dataset.labels.copy(), dataset.table.copy()
    labels[rows] = [ids.get(label, -1) for label in judged["label"]]
    table.loc[table.index[rows], "label"] = judged["label"].to_numpy()
    changed = replace(dataset, table=table, labels=labels)
    return replace(changed, hashes=dataset.hashes | {"test_split": test_hash(changed)})


def _rows(dataset: Dataset, judged: "pd.DataFrame") -> np.ndarray:
    position = {path: i for i, path in enumerate(dataset.paths)}
    return np.array([position[path] for path in judged["path"]], dtype=np.intp)
