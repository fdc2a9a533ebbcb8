"""From rows to units: what a split may not tear apart, and what each unit shows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from classification.data.splits import Group

# Rows with the same values here must be in one split, whatever their groups are.
_TIES = {"sequence": ["dataset", "seq_id"], "image": ["dataset", "image_id"], "content": ["sha256"]}


@dataclass(frozen=True, kw_only=True)
class Units:
    """Groups, joined where they share a sequence, an image or a picture.

    groups: (dataset, group) of each group, [G].
    unit: number of the unit of each group, int64 [G]; units are numbered 0..U-1.
    row_group: number of the group of each row of the table, int64 [N].
    """

    groups: list[Group]
    unit: np.ndarray
    row_group: np.ndarray

    def __len__(self) -> int:
        return int(self.unit.max()) + 1

    @property
    def row_unit(self) -> np.ndarray:
        """Unit of each row, int64 [N]."""
        return self.unit[self.row_group]

    @property
    def tied(self) -> int:
        """How many groups share their unit with another group."""
        return int((np.bincount(self.unit)[self.unit] > 1).sum())


def find_units(
    table: pd.DataFrame, *, near_duplicates: pd.Series | None = None, sequences: bool = True
) -> Units:
    """Join groups that share anything a model could recognise.

    Args:
        table: the classification table.
        near_duplicates: cluster of each row (`near_duplicates.clusters`), NA where alone.
        sequences: also join groups that share a sequence; off only for a split by image.
    """
    keys = pd.MultiIndex.from_frame(table[["dataset", "group"]])
    row_group, groups = pd.factorize(keys, sort=True)
    ties = [columns for kind, columns in _TIES.items() if sequences or kind != "sequence"]
    edges = [_edges(row_group, table[columns]) for columns in ties]
    if near_duplicates is not None:
        edges.append(_edges(row_group, near_duplicates.to_frame()))
    start = np.concatenate([a for a, _ in edges])
    end = np.concatenate([b for _, b in edges])
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(len(groups), len(groups)))
    _, unit = connected_components(graph, directed=False)
    return Units(groups=[(d, g) for d, g in groups], unit=unit, row_group=row_group)


def class_counts(table: pd.DataFrame, units: Units) -> tuple[np.ndarray, list[str]]:
    """Crops, then groups, of each class in each unit: float64 [U, 2L]; and the class names."""
    known = table["label"].notna().to_numpy()
    label, names = pd.factorize(table.loc[known, "label"], sort=True)
    group = units.row_group[known]
    shape = (len(units.groups), len(names))
    crops = coo_array((np.ones(len(label)), (group, label)), shape=shape).toarray()
    per_unit = coo_array(
        (np.ones(len(units.unit)), (units.unit, np.arange(len(units.unit)))),
        shape=(len(units), len(units.unit)),
    )
    return np.hstack([per_unit @ crops, per_unit @ (crops > 0).astype(float)]), list(names)


def _edges(row_group: np.ndarray, keys: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of groups that hold the same key: each group with the first that holds it."""
    columns = list(keys.columns)
    known = keys[columns[-1]].notna().to_numpy()
    rows = keys[known].assign(_group=row_group[known]).drop_duplicates()
    first = rows.groupby(columns, sort=False)["_group"].transform("first")
    return rows["_group"].to_numpy(), first.to_numpy()
