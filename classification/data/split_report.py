"""Whether a table can be split, what a split gave to each class, and what it could not give."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from classification.data.split_problem import TRAIN, SplitProblem
from classification.data.split_units import Units
from classification.data.splits import SPLITS
from classification.errors import FieldmarkError


def require_splittable(
    table: pd.DataFrame, classes: Sequence[str], *, val_frac: float, test_frac: float | None
) -> None:
    """Refuse shares that cannot be met and tables that hold nothing to balance.

    Args:
        table: the classification table.
        classes: those it has labels of, and those that people will label.
        val_frac, test_frac: shares.

    Raises:
        FieldmarkError: everything that is wrong.
    """
    problems = []
    test = 0.0 if test_frac is None else test_frac
    if not 0 <= val_frac < 1 or not (test_frac is None or 0 < test_frac < 1):
        problems.append(
            f"--val-frac {val_frac} and --test-frac {test_frac}: each must be a share below 1 "
            "(0.15 is fifteen per cent), and test may not be 0"
        )
    elif val_frac + test >= 1:
        problems.append(
            f"--val-frac {val_frac} and --test-frac {test_frac} leave nothing to train on: their "
            "sum must be below 1"
        )
    if table.empty:
        problems.append("the classification table has no rows: crop images first")
    elif len(classes) < 2:
        problems.append(
            f"the table has {len(classes)} class ({', '.join(classes) or 'no labels at all'}): a "
            "classifier needs at least two. Keep more categories, exclude fewer (--exclude), or "
            "name those that people will label: --classes deer fox"
        )
    if problems:
        raise FieldmarkError.from_problems("cannot split:", problems)


def require_units(problem: SplitProblem, units: Units) -> None:
    """Refuse fewer labelled units than splits.

    Raises:
        FieldmarkError: with what ties the groups together, where that is the reason.
    """
    splits = int((problem.fractions > 0).sum())
    if len(problem.counts) >= splits:
        return
    cause = (
        f" {units.tied} of the {len(units.groups)} groups are tied together because they share a "
        "sequence id, an image or the same picture; if sequence ids start again at each camera, "
        "make them unique."
        if units.tied
        else " Add data of other camera locations, or split by --group-by sequence to try things "
        "out (such a split leaks)."
    )
    raise FieldmarkError(
        f"cannot split: {len(problem.counts)} separate groups with labels cannot fill {splits} "
        f"splits.{cause}"
    )


def require_filled(
    problem: SplitProblem, split: np.ndarray, classes: list[str], *, method: str
) -> None:
    """Refuse a split that is empty where it should not be, or that never trains a class.

    Raises:
        FieldmarkError: all such splits and classes.
    """
    sizes = np.bincount(split, minlength=3)
    problems = [
        f"{name} gets none of the {len(split)} groups with --{name}-frac {fraction:.3g}: raise it "
        "or add camera locations"
        for name, size, fraction in zip(SPLITS, sizes, problem.fractions, strict=True)
        if fraction > 0 and size == 0
    ]
    crops = problem.have(split)[:, : len(classes)]
    hint = "" if method == "search" else "use --method search, "
    problems += [
        f"class {name!r} has no training crop (val {crops[1, i]:.0f}, test {crops[2, i]:.0f}): "
        f"{hint}leave it out (--exclude or --min-locs), or add data"
        for i, name in enumerate(classes)
        if crops[TRAIN, i] == 0
    ]
    if problems:
        raise FieldmarkError.from_problems("the split cannot be used:", problems)


def split_report(
    problem: SplitProblem,
    split: np.ndarray,
    classes: list[str],
    *,
    proven: bool,
    method: str,
) -> dict[str, Any]:
    """Score, shares, counts per class and split, and every guarantee that is not met."""
    have = problem.have(split).astype(int)
    count = len(classes)
    return {
        "score": round(problem.score(split), 6),
        "fractions": dict(zip(SPLITS, problem.fractions.round(6).tolist(), strict=True)),
        "classes": {
            name: {
                s: {"crops": int(have[k, i]), "groups": int(have[k, count + i])}
                for k, s in enumerate(SPLITS)
            }
            for i, name in enumerate(classes)
        },
        "guarantees": {
            "min_crops": problem.minimum[0],
            "min_groups": problem.minimum[1],
            "unmet": _unmet(problem, have, classes, proven=proven, method=method),
        },
    }


def split_sizes(table: pd.DataFrame, units: Units, split: np.ndarray) -> dict[str, dict[str, int]]:
    """Groups, crops and crops without a label of each split."""
    of_row, of_group = split[units.row_unit], split[units.unit]
    blank = table["label"].isna().to_numpy()
    return {
        name: {
            "groups": int((of_group == s).sum()),
            "crops": int((of_row == s).sum()),
            "unlabelled": int((blank & (of_row == s)).sum()),
        }
        for s, name in enumerate(SPLITS)
    }


def _unmet(
    problem: SplitProblem, have: np.ndarray, classes: list[str], *, proven: bool, method: str
) -> list[dict[str, Any]]:
    count = len(classes)
    total = problem.counts.sum(axis=0).astype(int)
    short = have < problem.wanted
    return [
        {
            "class": name,
            "split": SPLITS[s],
            "crops": int(have[s, i]),
            "groups": int(have[s, count + i]),
            "why": _why(problem, total[i], total[count + i], proven=proven, method=method),
        }
        for i, name in enumerate(classes)
        for s in range(3)
        if short[s, i] or short[s, count + i]
    ]


def _why(problem: SplitProblem, crops: int, groups: int, *, proven: bool, method: str) -> str:
    splits = int((problem.fractions > 0).sum())
    min_crops, min_groups = problem.minimum
    need = max(min_groups, 1 if min_crops else 0)
    if groups < splits * need:
        return f"impossible: {groups} groups show the class, {splits} splits need {need} each"
    if crops < splits * min_crops:
        return f"impossible: the class has {crops} crops, {splits} splits need {min_crops} each"
    if proven:
        return "impossible: no split of these groups comes nearer to the minimum of all classes"
    if method != "search":
        return f"--method {method} gives no guarantees; --method search does"
    return "none found within the limits of the search"
