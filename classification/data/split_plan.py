"""From a classification table to splits: targets, what is fixed, the search, and its record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from classification.data.cct import UNLABELLED
from classification.data.split_local import local_search
from classification.data.split_problem import TEST, TRAIN, VAL, SplitProblem
from classification.data.split_report import (
    require_filled,
    require_splittable,
    require_units,
    split_report,
    split_sizes,
)
from classification.data.split_search import random_search, smallest_first
from classification.data.split_units import Units, class_counts, find_units
from classification.data.splits import SPLITS, Group
from classification.errors import FieldmarkError

Method = Literal["search", "random", "smallest_first"]
_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class SplitTargets:
    """How to split.

    method: search, random or smallest_first.
    val_frac, test_frac: share of every class; test_frac None keeps exactly the frozen test set.
    min_crops, min_groups: what each split should have of every class.
    seed: the same seed and table give the same split.
    """

    method: Method = "search"
    val_frac: float = 0.15
    test_frac: float | None = 0.15
    min_crops: int = 5
    min_groups: int = 1
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class SplitPlan:
    """splits: groups of each split. report: what ``split_report.json`` holds."""

    splits: dict[str, set[Group]]
    report: dict[str, Any]


def plan_splits(
    table: pd.DataFrame,
    targets: SplitTargets,
    *,
    classes: Sequence[str] | None = None,
    frozen: Mapping[str, set[Group]] | None = None,
    near_duplicates: pd.Series | None = None,
    sequences: bool = True,
) -> SplitPlan:
    """Split the groups of a classification table; no group is ever torn apart.

    Args:
        table: the classification table; groups with no labelled crop go to train. Without any
            label, crops are shared out as if they were of one class.
        targets: method, shares and guarantees.
        classes: all there will be; None: those the table has labels of.
        frozen: earlier splits. Their test groups stay in test, their other groups never enter it.
        near_duplicates: cluster of each row, from `near_duplicates.clusters`.
        sequences: keep groups that share a sequence together; off only for a split by image.

    Raises:
        FieldmarkError: nothing to split, shares or groups that leave a split empty, a class that
            would have no training crop, a frozen test set that would shrink or leak.
    """
    named = sorted(table["label"].dropna().unique()) if classes is None else classes
    require_splittable(table, named, val_frac=targets.val_frac, test_frac=targets.test_frac)
    if frozen is not None:
        _require_frozen(table, frozen)
    units = find_units(table, near_duplicates=near_duplicates, sequences=sequences)
    labelled = bool(table["label"].notna().any())
    counted = table if labelled else table.assign(label=UNLABELLED)
    counts, shown_classes = class_counts(counted, units)
    allowed = _allowed(units, targets, frozen)
    shown = counts.any(axis=1)
    problem = SplitProblem(
        counts=counts[shown],
        fractions=_fractions(targets, counts, allowed),
        allowed=allowed[shown],
        minimum=(targets.min_crops, targets.min_groups),
    )
    require_units(problem, units)
    found, proven = _solve(problem, targets)
    # Nothing in a unit without labels can be measured: it is there to be learned from.
    split = np.where(allowed[:, TRAIN], TRAIN, TEST).astype(np.int8)
    split[shown] = found
    require_filled(problem, found, shown_classes, method=targets.method)
    splits = {
        name: {g for g, u in zip(units.groups, units.unit, strict=True) if split[u] == s}
        for s, name in enumerate(SPLITS)
    }
    report = {
        "method": targets.method,
        "seed": targets.seed,
        **split_report(problem, found, shown_classes, proven=proven, method=targets.method),
        "splits": split_sizes(table, units, split),
        "groups_tied_by_shared_content": units.tied,
    }
    return SplitPlan(splits=splits, report=report)


def _solve(problem: SplitProblem, targets: SplitTargets) -> tuple[np.ndarray, bool]:
    rng = np.random.default_rng(targets.seed)
    if targets.method == "search":
        found = local_search(problem, rng)
        return found.split, found.proven
    if targets.method == "smallest_first":
        return smallest_first(problem), False
    drawn = random_search(problem, rng)
    assert drawn is not None  # every draw has a score
    return drawn, False


def _fractions(targets: SplitTargets, counts: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Shares of train, val and test; a frozen test set's own share where it may not grow."""
    only_test = ~allowed[:, TRAIN]
    crops = counts[:, : counts.shape[1] // 2]
    share = crops[only_test].sum() / crops.sum()
    test = share if targets.test_frac is None else max(targets.test_frac, share)
    if targets.val_frac + test >= 1:
        raise FieldmarkError(
            f"the frozen test set holds {share:.0%} of the labelled crops and --val-frac asks for "
            f"{targets.val_frac:.0%}: nothing is left to train on. Add data or lower --val-frac."
        )
    return np.array([1 - targets.val_frac - test, targets.val_frac, test])


def _allowed(
    units: Units, targets: SplitTargets, frozen: Mapping[str, set[Group]] | None
) -> np.ndarray:
    """bool [U, 3]: which splits each unit may go to."""
    allowed = np.ones((len(units), 3), dtype=bool)
    allowed[:, VAL] = targets.val_frac > 0
    if frozen is None:
        return allowed
    tested = np.array([group in frozen["test"] for group in units.groups])
    learned = np.array([group in frozen["train"] | frozen["val"] for group in units.groups])
    is_test = np.bincount(units.unit, weights=tested) > 0
    is_learned = np.bincount(units.unit, weights=learned) > 0
    if (both := np.flatnonzero(is_test & is_learned)).size:
        members = [
            [g for g, u in zip(units.groups, units.unit, strict=True) if u == b] for b in both
        ]
        raise FieldmarkError.from_problems(
            f"{len(both)} sets of groups share a sequence, an image or the same picture, but the "
            "earlier splits have some of them in test and others in train or val. Remove the "
            "duplicates (utils/combine_datasets.py) or split anew without --match-test:",
            [", ".join("/".join(g) for g in m[:_SHOWN]) for m in members[:_SHOWN]],
        )
    allowed[is_learned | (targets.test_frac is None), TEST] = False
    allowed[is_test] = [False, False, True]
    return allowed


def _require_frozen(table: pd.DataFrame, frozen: Mapping[str, set[Group]]) -> None:
    here = set(zip(table["dataset"], table["group"], strict=True))
    gone = sorted(frozen["test"] - here)
    if gone or not frozen["test"]:
        raise FieldmarkError.from_problems(
            "the frozen test set would shrink, and its figures could not be compared with earlier "
            "ones. Add the data again, or split anew without --match-test. Missing from the table:",
            ["/".join(group) for group in gone[:_SHOWN]] or ["(the earlier test set is empty)"],
        )
