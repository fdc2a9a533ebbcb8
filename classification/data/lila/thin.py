"""Fair shares: at most so many images of a class, of a class at a location, in a sequence."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Limits of a selection; 0 is none."""

    per_class: int = 0
    per_location: int = 0
    """Of a class, at one location."""
    per_sequence: int = 0
    """Of a class, in one sequence."""
    seed: int = 0


def priorities(image_ids: pd.Series, seed: int) -> np.ndarray:
    """A draw per image that depends on its id and the seed alone: uint64 [N]."""
    values = image_ids.to_numpy(dtype=object)
    return pd.util.hash_array(values, hash_key=f"{seed % 10**16:016d}", categorize=False)


def thin(rows: pd.DataFrame, shares: Shares) -> pd.DataFrame:
    """The rows of lowest priority within each limit.

    Because sequences lie within locations and those within classes, and the same draw decides at
    every level, thinning piece by piece gives what thinning the whole would: a table of any length
    is sampled in memory that the limits bound.

    Args:
        rows: one per image and class: class, location, sequence (NA where unknown: no limit of
            that kind), image_id, priority.
        shares: the limits.
    """
    kept = rows.sort_values(["priority", "image_id"], kind="stable")
    for limit, keys in (
        (shares.per_sequence, ["class", "location", "sequence"]),
        (shares.per_location, ["class", "location"]),
        (shares.per_class, ["class"]),
    ):
        if limit:
            order = kept.groupby(keys, dropna=False, sort=False, observed=True).cumcount()
            kept = kept[(order < limit) | kept[keys[-1]].isna()]
    return kept
