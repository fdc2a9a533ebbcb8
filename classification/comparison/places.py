"""From which cameras and bursts strategies asked, by the records of a comparison."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classification.comparison.curves import read_curve
from classification.data.table import burst_ids, location_ids, read_table
from classification.evaluation.query_figures import count_places
from classification.files import read_json
from classification.paths import ComparisonPaths, DatasetPaths

if TYPE_CHECKING:
    import pandas as pd


def dataset_tables(paths: ComparisonPaths) -> "dict[str, pd.DataFrame]":
    """Labelled rows of the classification tables that a comparison was played on, by dataset.

    Datasets of other kinds, and those that are no longer where they were, are left out.
    """
    if not paths.details.exists():
        return {}
    options = read_json(paths.details, what="record of a comparison").get("options", {})
    found = {}
    for name in options.get("datasets", ()):
        table = DatasetPaths(Path(name)).table
        if table.exists():
            rows = read_table(table)
            found[Path(name).name] = rows[rows["label"].notna()].reset_index(drop=True)
    return found


def strategy_places(
    folder: Path, results: "pd.DataFrame", table: "pd.DataFrame", *, task: str
) -> "pd.DataFrame":
    """Distinct locations and bursts among all labels of each strategy, mean over seeds.

    Args:
        folder: of the comparison.
        results: as `ResultTable`.
        table: as `dataset_tables`; positions of queries are its rows.
        task: dataset.

    Returns:
        As `count_places`, a row per strategy; empty where the table is no longer what was played.
    """
    import pandas as pd

    bursts, locations = burst_ids(table), location_ids(table)
    part = results[results["task"] == task]
    last = part.groupby(["strategy", "curve"], sort=False)["num_labels"].max().reset_index()
    rows = []
    for name, path, labels in last.itertuples(index=False):
        played = read_curve(folder / path)
        if played is None or max(played.queries, default=0) >= len(table):
            continue
        query = {name: np.array(played.queries[:labels], dtype=np.int64)}
        rows.append(count_places(query, bursts=bursts, locations=locations))
    if not rows:
        return pd.DataFrame(columns=["items", "locations", "bursts"])
    return pd.concat(rows).groupby(level=0, sort=False).mean()
