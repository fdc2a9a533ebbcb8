"""The predictions table, the same from a round and from predict.py."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classification.files import atomic_path
from classification.schemas import PredictionTable, check

if TYPE_CHECKING:
    import pandas as pd

PROBABILITY = "p_"
"""Prefix of the probability columns; the class name follows."""


def write_predictions(
    path: Path,
    items: Sequence[str],
    probs: NDArray[np.float32],
    *,
    classes: Sequence[str],
    split: Any = None,
    labels: Any = None,
    groups: Any = None,
    sources: Any = None,
) -> "pd.DataFrame":
    """Write ``path, split, label, prediction, confidence, group, p_<class>...``, a row per item.

    Args:
        path: ``.parquet``, or ``.csv`` for people.
        items: name of each item [N].
        probs: float32 [N, C].
        classes: C names.
        split: split of each item [N]; None where there are no splits.
        labels: known label of each item [N], missing where unknown; None where none is known.
        groups: camera location of each item [N], or what stands in for it; None where unknown.
        sources: image that each item was cut from [N]; None where they are images themselves.

    Returns:
        The table that was written.
    """
    import pandas as pd

    names = np.array(classes, dtype=object)
    table = pd.DataFrame(
        {
            "path": list(items),
            "split": "" if split is None else split,
            "label": None if labels is None else labels,
            "prediction": names[probs.argmax(axis=1)],
            "confidence": probs.max(axis=1).clip(0, 1),
            **({} if groups is None else {"group": groups}),
            **({} if sources is None else {"source": sources}),
            **{f"{PROBABILITY}{name}": probs[:, i] for i, name in enumerate(classes)},
        }
    )
    table = check(table, PredictionTable, what=f"table for {path.name}")
    with atomic_path(path) as temporary:
        if path.suffix == ".csv":
            table.to_csv(temporary, index=False, float_format="%.6g")
        else:
            table.to_parquet(temporary, index=False)
    return table
