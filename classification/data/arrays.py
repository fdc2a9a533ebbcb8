"""Arrays as a dataset: embeddings from anywhere, no images needed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classification.data.dataset import Dataset
from classification.data.splits import SPLITS
from classification.errors import FieldmarkError
from classification.files import sha256_lines


def array_dataset(
    labels: NDArray[np.int64],
    classes: Sequence[str],
    *,
    split: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> Dataset:
    """A dataset of items that are only rows of arrays.

    Args:
        labels: int64 [N], class ids, -1 where unknown.
        classes: their names.
        split: train, val or test per item; everything is the pool without it.
        names: what each item is called, unique; its position without it.
        groups: the burst or camera of each item; its own without it.

    Raises:
        FieldmarkError: lengths differ, names repeat, an unknown split, or an id without a class.
    """
    import pandas as pd

    labels = np.asarray(labels, dtype=np.int64)
    n = len(labels)
    given_names = [str(i) for i in range(n)] if names is None else list(names)
    given_split = ["train"] * n if split is None else [str(s) for s in split]
    given_groups = given_names if groups is None else [str(g) for g in groups]
    lengths = {"split": given_split, "names": given_names, "groups": given_groups}
    faults = [
        f"{k} has {len(v)} entries, labels has {n}" for k, v in lengths.items() if len(v) != n
    ]
    if len(set(given_names)) != len(given_names):
        faults.append("names: some are given twice")
    strange = sorted(set(given_split) - set(SPLITS))
    if strange:
        faults.append(f"split: {', '.join(strange)}; allowed: {', '.join(SPLITS)}")
    if n and not -1 <= labels.min() <= labels.max() < len(classes):
        faults.append(
            f"labels: ids are -1 to {len(classes) - 1}, given: {labels.min()} to {labels.max()}"
        )
    if faults:
        raise FieldmarkError.from_problems("these arrays are no dataset:", faults)
    text = [classes[i] if i >= 0 else None for i in labels]
    return Dataset(
        table=pd.DataFrame(
            {
                "path": given_names,
                "dataset": "arrays",
                "location": pd.Series([None] * n, dtype="str"),
                "label": pd.Series(text, dtype="str"),
                "image_id": given_names,
                "seq_id": given_groups,
                "group": given_groups,
            }
        ),
        split=np.array(given_split, dtype=str),
        classes=tuple(classes),
        labels=labels,
        crops=Path(),
        hashes={"table": sha256_lines(map(str, zip(given_names, given_split, text, strict=True)))},
    )
