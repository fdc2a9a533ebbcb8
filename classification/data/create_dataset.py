"""Step 5: classification table, label index, splits and a CCT per split, each from the last."""

import sys
from collections.abc import Sequence
from typing import Any

import pandas as pd

from classification.data.audit import Kind, audit, require_no_leaks, summary
from classification.data.cct import read_cct, write_cct
from classification.data.dataset import read_classes
from classification.data.frozen_test import FrozenTest, add_frozen_rows, read_frozen
from classification.data.labels import (
    LabelRules,
    class_names,
    read_label_spec,
    write_label_index,
)
from classification.data.near_duplicates import table_clusters
from classification.data.options import ClassificationDatasetOptions
from classification.data.split_cct import crop_cct
from classification.data.split_plan import SplitPlan, SplitTargets, plan_splits
from classification.data.split_report import require_splittable
from classification.data.splits import SPLITS, assign_splits, read_splits, write_splits
from classification.data.table import build_table, group_of, read_table, require_crops
from classification.errors import FieldmarkError
from classification.files import write_json
from classification.paths import DatasetPaths
from classification.schemas import ClassificationTable, CropTable, read_csv, write_csv

_SHOWN = 10

# Kinds of leak that a finer grouping than the camera location brings with it.
_ASKED_FOR: dict[str, tuple[Kind, ...]] = {
    "location": (),
    "sequence": ("location",),
    "image": ("location", "sequence", "near_duplicate"),
}


def create_classification_dataset(options: ClassificationDatasetOptions) -> None:
    """Write what ``--mode`` names and print what was done.

    Raises:
        FieldmarkError: bad options, inputs that do not belong together, nothing to split, a class
            that could not be trained, or a split that leaks. Nothing half-written stays behind.
    """
    _check(options)
    paths = DatasetPaths(options.output_dir)
    frozen = read_frozen(*options.match_test) if options.match_test else None
    if "csv" in options.mode:
        table = _write_table(options, paths, frozen)
    else:
        table = read_table(paths.table)
        _require_grouping(table, options)
    if "splits" in options.mode:
        _write_splits(table, options, paths, frozen)
    if "cct" in options.mode:
        _write_ccts(table, options, paths)


def _check(options: ClassificationDatasetOptions) -> None:
    rules = {
        "--mode names nothing to write; choose from csv, splits, cct": bool(options.mode),
        "--mode csv needs --cct-json, the JSON that was cropped": "csv" not in options.mode
        or options.cct_json is not None,
        "--match-test takes two files: classification_ds.csv and splits.json": len(
            options.match_test
        )
        in (0, 2),
        f"--min-locs {options.min_locs} is below 1": options.min_locs >= 1,
        f"--min-class-crops {options.min_class_crops} is below 0": options.min_class_crops >= 0,
        f"--min-class-locs {options.min_class_locs} is below 0": options.min_class_locs >= 0,
        f"--seed {options.seed} is negative": options.seed >= 0,
    }
    if problems := [problem for problem, holds in rules.items() if not holds]:
        raise FieldmarkError.from_problems("cannot create a classification dataset:", problems)


def _write_table(
    options: ClassificationDatasetOptions, paths: DatasetPaths, frozen: FrozenTest | None
) -> pd.DataFrame:
    assert options.cct_json is not None  # checked
    rules = LabelRules(
        spec=read_label_spec(options.label_spec) if options.label_spec else None,
        exclude=tuple(options.exclude),
        min_groups=options.min_locs,
    )
    crops = _crop_table(options, paths)
    cct = read_cct(options.cct_json)
    name = paths.root.resolve().name
    built = build_table(cct, crops, dataset=name, group_by=options.group_by, rules=rules)
    table, notes = built.table, built.notes
    if frozen is not None:
        table, more = add_frozen_rows(table, frozen)
        notes += more
    require_crops(table, options.crops_dir or paths.crops)
    classes = class_names(table["label"], options.classes)
    _require_classes(table, classes, options)
    write_csv(paths.table, table, ClassificationTable)
    write_label_index(paths.label_index, classes)
    groups = table[["dataset", "group"]].drop_duplicates()
    print(f"{paths.table}: {len(table)} crops, {len(classes)} classes, {len(groups)} groups")
    _print_notes(notes)
    return table


def _write_splits(
    table: pd.DataFrame,
    options: ClassificationDatasetOptions,
    paths: DatasetPaths,
    frozen: FrozenTest | None,
) -> None:
    classes = read_classes(paths.label_index)
    _require_classes(table, classes, options)
    near = None
    if options.near_duplicates and options.group_by != "image":
        crops = options.crops_dir or paths.crops
        require_crops(table, crops)
        near = table_clusters(table, crops, paths.crop_thumbnails)
    plan = plan_splits(
        table,
        _targets(options),
        classes=classes,
        frozen=frozen.splits if frozen else None,
        near_duplicates=near,
        sequences=options.group_by != "image",
    )
    split = assign_splits(table, plan.splits)
    leaks = audit(table, split, near_duplicates=near)
    require_no_leaks(leaks, allowed=_ASKED_FOR[options.group_by])
    if leaks:
        _warn(options.group_by, summary(leaks))
    for name in SPLITS:  # those of earlier splits would contradict the new ones
        paths.split_cct(name).unlink(missing_ok=True)
    write_splits(paths.splits, plan.splits)
    write_json(paths.split_report, {**plan.report, "group_by": options.group_by})
    _print_plan(plan, paths)


def _write_ccts(
    table: pd.DataFrame, options: ClassificationDatasetOptions, paths: DatasetPaths
) -> None:
    split = assign_splits(table, read_splits(paths.splits))
    sizes = _crop_table(options, paths).set_index("path")[["width", "height"]]
    classes = sorted(table["label"].dropna().unique())
    for name in SPLITS:
        description = f"{name} split of {paths.root.resolve().name}: one image per crop"
        rows = table[split == name]
        write_cct(paths.split_cct(name), crop_cct(rows, sizes, classes, description=description))
    print("wrote " + ", ".join(paths.split_cct(name).name for name in SPLITS))


def _crop_table(options: ClassificationDatasetOptions, paths: DatasetPaths) -> pd.DataFrame:
    beside = DatasetPaths(options.crops_dir.parent) if options.crops_dir else paths
    if not beside.crop_table.exists():
        raise FieldmarkError(
            f"crop table not found: {beside.crop_table}. Run utils/crop_detections.py first"
            + (
                ", or correct --crops-dir: its parent must hold crops.csv."
                if options.crops_dir
                else "."
            )
        )
    return read_csv(beside.crop_table, CropTable, what="crop table")


def _targets(options: ClassificationDatasetOptions) -> SplitTargets:
    frozen = bool(options.match_test)
    default = None if frozen else 0.15
    return SplitTargets(
        method=options.method,
        val_frac=options.val_frac,
        test_frac=default if options.test_frac is None else options.test_frac,
        min_crops=options.min_class_crops,
        min_groups=options.min_class_locs,
        seed=options.seed,
    )


def _require_classes(
    table: pd.DataFrame, classes: Sequence[str], options: ClassificationDatasetOptions
) -> None:
    targets = _targets(options)
    require_splittable(table, classes, val_frac=targets.val_frac, test_frac=targets.test_frac)


def _require_grouping(table: pd.DataFrame, options: ClassificationDatasetOptions) -> None:
    if not (table["group"] == group_of(table, options.group_by)).all():
        raise FieldmarkError(
            f"--group-by {options.group_by} is not how the classification table was grouped. Give "
            "the same --group-by, or write the table anew by adding csv to --mode."
        )


def _warn(group_by: str, leaks: Sequence[str]) -> None:
    lines = [
        f"WARNING: --group-by {group_by} splits what belongs together. Figures measured on this "
        "split will not hold at new cameras, and training refuses it:",
        *(f"  {line}" for line in leaks),
    ]
    print("\n".join(lines), file=sys.stderr)


def _print_notes(notes: Sequence[str]) -> None:
    for note in notes:
        print(f"  {note}")


def _print_plan(plan: SplitPlan, paths: DatasetPaths) -> None:
    report: dict[str, Any] = plan.report
    print(f"{paths.splits}: {report['method']}, score {report['score']:.3f} (0 is perfect)")
    for name, size in report["splits"].items():
        blank = f", {size['unlabelled']} not labelled" if size["unlabelled"] else ""
        print(f"  {name:5} {size['groups']:6} groups {size['crops']:8} crops{blank}")
    short: dict[str, list[dict[str, Any]]] = {}
    for item in report["guarantees"]["unmet"]:
        short.setdefault(item["class"], []).append(item)
    if short:
        names = paths.split_report.name
        print(f"  {len(short)} classes do not get their minimum everywhere (all in {names}):")
    for name, items in list(short.items())[:_SHOWN]:
        got = ", ".join(f"{i['split']} {i['crops']} crops of {i['groups']} groups" for i in items)
        print(f"    {name}: {got}; {items[0]['why']}")
