"""Tables for looking at a dataset before training on it: one row is one thing to judge by eye."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from classification.data.cct import UNLABELLED, Cct
from classification.data.splits import SPLITS


def class_by_location(table: pd.DataFrame) -> pd.DataFrame:
    """Crops of each class at each camera location.

    Args:
        table: the classification table.

    Returns:
        int [classes, locations], both by number of crops, largest first. Locations are named
        ``dataset/group``, or ``group`` alone where there is one dataset only. Crops that nobody has
        labelled are the row `UNLABELLED`.
    """
    place = table["group"]
    if table["dataset"].nunique() > 1:
        place = table["dataset"] + "/" + place
    counts = pd.crosstab(_labels(table), place.rename("location"))
    rows = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
    columns = counts.sum(axis=0).sort_values(ascending=False, kind="stable").index
    return counts.loc[rows, columns]


def class_summary(counts: pd.DataFrame) -> pd.DataFrame:
    """How much of each class there is, and how much of it one camera holds.

    Args:
        counts: as `class_by_location` gives them.

    Returns:
        Per class: crops, locations, largest_location, its share (0..1), and effective_locations,
        the number of equally full locations that would be as varied (exponential of the Shannon
        entropy; Jost 2006, "Entropy and diversity").
    """
    share = counts.div(counts.sum(axis=1), axis=0)
    entropy = -(share * np.log(share.where(share > 0, 1.0))).sum(axis=1)
    return pd.DataFrame(
        {
            "crops": counts.sum(axis=1),
            "locations": (counts > 0).sum(axis=1),
            "effective_locations": np.exp(entropy).round(1),
            "largest_location": counts.idxmax(axis=1),
            "its_share": share.max(axis=1).round(3),
        }
    )


def class_by_split(table: pd.DataFrame, split: pd.Series) -> pd.DataFrame:
    """Crops of each class in each split.

    Args:
        table: the classification table.
        split: split of each row, with the index of `table`.

    Returns:
        int [classes, train, val, test], largest class first; a split without a crop is a zero.
    """
    counts = pd.crosstab(_labels(table), split.rename("split"))
    counts = counts.reindex(columns=pd.Index(SPLITS, name="split"), fill_value=0)
    order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
    return counts.loc[order]


def examples(table: pd.DataFrame, *, per_class: int, rng: np.random.Generator) -> pd.DataFrame:
    """Crops to look at: a draw from each class that visits every camera before any twice.

    Args:
        table: the classification table.
        per_class: most crops of a class.
        rng: who draws.

    Returns:
        Rows of `table`, classes by name, each class from as many locations as it has.
    """
    drawn = table.iloc[rng.permutation(len(table))]
    labels = _labels(drawn)
    turn = drawn.groupby([labels, drawn["dataset"], drawn["group"]]).cumcount()
    order = pd.DataFrame({"label": labels, "turn": turn}).sort_values(
        ["label", "turn"], kind="stable"
    )
    return table.loc[order.groupby("label").head(per_class).index]


def look_alikes(table: pd.DataFrame, split: pd.Series, clusters: pd.Series) -> pd.DataFrame:
    """Groups of crops that look the same, the suspicious ones first.

    Args:
        table: the classification table.
        split: split of each row, with the index of `table`.
        clusters: as `near_duplicates.table_clusters` gives them.

    Returns:
        Per cluster of two or more: crops, labels, locations, splits (each joined by ", "), and
        first, a crop's path. Two labels mean that one is wrong; two splits, that the test was
        seen in training.
    """
    columns = {"label": _labels(table), "location": table["group"], "split": split}
    rows = pd.DataFrame(columns | {"path": table["path"], "cluster": clusters})
    shared = rows["cluster"].notna() & rows["cluster"].duplicated(keep=False)
    groups = rows[shared].groupby("cluster", sort=False)
    found = pd.DataFrame(
        {
            "crops": groups.size(),
            **{f"{name}s": groups[name].agg(_joined) for name in columns},
            "first": groups["path"].first(),
        }
    ).reset_index(drop=True)
    doubt = found["splits"].str.contains(", ") * 2 + found["labels"].str.contains(", ")
    order = found.assign(doubt=doubt).sort_values(["doubt", "crops"], ascending=False).index
    return found.loc[order].reset_index(drop=True)


def category_counts(before: Mapping[str, Cct], after: Cct) -> pd.DataFrame:
    """Annotations of each category before and after cleaning.

    Args:
        before: datasets as read, by name.
        after: what `combine_datasets` made of them.

    Returns:
        Per category as spelled in the files: a column for each dataset and ``clean``; most frequent
        first. A category that was renamed, merged or dropped has nothing under ``clean``.
    """
    columns = {name: cct.names.value_counts() for name, cct in before.items()}
    counts = pd.DataFrame(columns | {"clean": after.names.value_counts()})
    counts = counts.fillna(0).astype("int64").rename_axis("category")
    order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
    return counts.loc[order]


def _labels(table: pd.DataFrame) -> pd.Series:
    return table["label"].fillna(UNLABELLED)


def _joined(values: Sequence[str]) -> str:
    return ", ".join(sorted(set(values)))
