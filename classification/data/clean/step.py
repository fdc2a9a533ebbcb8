"""Step 3 in order: read, label, look at files, take detections, judge boxes, write."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from classification.data.cct import UNLABELLED, Cct, write_cct
from classification.data.clean.box_rules import clean_boxes
from classification.data.clean.category_map import CategoryMap, read_category_map
from classification.data.clean.detector import Results, attach, read_results
from classification.data.clean.draft import Draft
from classification.data.clean.duplicates import drop_same_record, keep_best
from classification.data.clean.gather import (
    add_unlabelled,
    gather,
    locations_from_folders,
    share_locations,
)
from classification.data.clean.image_files import (
    FILE_FAULTS,
    check_files,
    same_content,
    same_picture,
)
from classification.data.clean.inputs import (
    describe,
    input_files,
    input_folders,
    input_names,
    read_inputs,
)
from classification.data.clean.labels import (
    EMPTY,
    apply_map,
    clean_labels,
    drop_contradictions,
    drop_repeats,
    judge_sequence_labels,
    judge_validation,
)
from classification.data.clean.names import make_unique
from classification.data.clean.report import as_text, dropped_table, summary
from classification.data.clean.sequences import rebuild_sequences
from classification.data.options import CombineOptions
from classification.errors import FieldmarkError
from classification.files import write_json
from classification.paths import InterimPaths, is_safe_name
from classification.schemas import DroppedTable, write_csv

_HELPERS = ["image", "label", "source"]  # columns of a draft, not of a dataset


def combine_datasets(options: CombineOptions) -> Cct:
    """Clean and combine datasets; write the clean one, what was dropped, and a summary.

    Raises:
        FieldmarkError: bad options or inputs, nothing left, a full disk, or more than
            `max_failures` of the images have no usable file. In the last case everything is
            written nevertheless.
    """
    _check(options)
    mapping = read_category_map(options.category_map) if options.category_map else None
    results = [read_results(path, threshold=options.md_threshold) for path in options.md_results]
    inputs = read_inputs(options, results)
    counts = [describe(one, path) for one, path in zip(inputs, input_files(options), strict=True)]
    images_in = sum(len(one.cct.images) for one in inputs)
    folders = dict(zip((one.source for one in inputs), input_folders(options), strict=False))
    draft = clean(gather(inputs), options, results=results, folders=folders, mapping=mapping)
    if draft.images.empty:
        raise FieldmarkError(_nothing_left(draft))
    dropped = dropped_table(draft)
    record = summary(draft, dropped, counts)
    cct = _finished(draft, {"description": f"combined from {', '.join(input_names(options))}"})
    paths = InterimPaths(options.output_dir)
    write_cct(paths.clean_cct, cct)
    write_csv(paths.dropped, dropped, DroppedTable)
    write_json(paths.summary, record)
    print(as_text(record))
    print(f"dataset: {paths.clean_cct}\ndropped: {paths.dropped}")
    _fail_over_budget(dropped, images_in, options)
    return cct


def clean(
    draft: Draft,
    options: CombineOptions,
    *,
    results: list[Results],
    folders: dict[str, Path],
    mapping: CategoryMap | None,
) -> Draft:
    """All rules in order; see the functions for each.

    Args:
        draft: everything that was read.
        options: of the step.
        results: what detectors found.
        folders: images folder of each input; empty if files are not to be looked at.
        mapping: of labels, if any.
    """
    annotated = pd.Index(draft.annotations["image"])
    known = annotated
    draft = locations_from_folders(draft, options.location_folder)
    draft = clean_labels(draft)
    draft = judge_validation(draft, options.unvalidated)
    if mapping:
        draft = apply_map(draft, mapping, options.unmapped)
    draft = judge_sequence_labels(draft, options.sequence_labels)
    draft = drop_contradictions(draft)
    draft = drop_same_record(draft)
    if folders:
        draft = _look_at_files(draft, folders, options)
    if options.locations == "shared":
        draft = share_locations(draft)
    for one in results:
        draft, searched = attach(draft, one, categories=options.md_categories)
        known = known.append(searched)
    draft = add_unlabelled(draft, known)
    draft = clean_boxes(draft, whole_image=options.whole_image_boxes, min_inside=options.min_inside)
    draft = drop_repeats(draft)
    bare = draft.images.index.isin(annotated) & ~draft.images.index.isin(draft.annotations["image"])
    draft = draft.drop_images(bare, "no_annotation_left")
    draft = make_unique(draft)
    return replace(draft, images=rebuild_sequences(draft.images, gap=options.sequence_gap))


def _look_at_files(draft: Draft, folders: dict[str, Path], options: CombineOptions) -> Draft:
    draft = check_files(draft, folders, threads=options.threads)
    if options.duplicates != "none":
        draft = keep_best(
            draft, same_content(draft.images, threads=options.threads), "duplicate_content"
        )
    if options.duplicates == "near":
        draft = keep_best(
            draft, same_picture(draft.images, threads=options.threads), "near_duplicate"
        )
    return draft


def _finished(draft: Draft, info: dict[str, Any]) -> Cct:
    """The clean dataset; categories are numbered by name, ``empty`` is 0."""
    labels = set(draft.annotations["label"])
    names = [EMPTY, *sorted(labels - {EMPTY, UNLABELLED}), *sorted(labels & {UNLABELLED})]
    ids = {name: number for number, name in enumerate(names)}
    table = draft.annotations
    table = table.assign(
        category_id=table["label"].map(ids).astype("int64"),
        changes=table["changes"].where(table["changes"] != ""),
    )
    images = draft.images.drop(columns=["path", "bytes"], errors="ignore")
    if images["source"].nunique() == 1:
        images = images.drop(columns=["source", "source_file_name"])
    return Cct(
        info=info,
        images=images,
        annotations=table.drop(columns=_HELPERS),
        categories=pd.DataFrame({"id": list(ids.values()), "name": list(ids)}),
    )


def _check(options: CombineOptions) -> None:
    files = len(input_files(options))
    rules = {
        "neither --cct nor --md-results nor --images-dirs is given": files > 0,
        f"--names has {len(options.names)} names for {files} files": len(options.names)
        in (0, files),
        f"--images-dirs has {len(options.images_dirs)} folders for {files} files; give one, or "
        "one for each": len(options.images_dirs) in (0, 1, files),
        f"--md-threshold {options.md_threshold:g} is not in 0..1": 0 <= options.md_threshold <= 1,
        f"--min-inside {options.min_inside:g} is not in 0..1": 0 <= options.min_inside <= 1,
        f"--max-failures {options.max_failures:g} is not in 0..1": 0 <= options.max_failures <= 1,
        f"--sequence-gap {options.sequence_gap:g} is negative": options.sequence_gap >= 0,
        f"--threads {options.threads} is negative": options.threads >= 0,
        "--duplicates near needs --images-dirs": options.duplicates != "near"
        or len(options.images_dirs) > 0,
    }
    problems = [problem for problem, holds in rules.items() if not holds]
    problems += [f"{f} is not a folder" for f in options.images_dirs if not f.is_dir()]
    problems += [
        f"--names {name!r} cannot be part of a file name"
        for name in options.names
        if "/" in name or not is_safe_name(name)
    ]
    if problems:
        raise FieldmarkError.from_problems("cannot combine:", problems)


def _nothing_left(draft: Draft) -> str:
    reasons = dropped_table(draft).query("kind == 'image'")["reason"].value_counts()
    listed = ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
    return f"no image is left; nothing was written. Reasons: {listed}."


def _fail_over_budget(dropped: pd.DataFrame, images: int, options: CombineOptions) -> None:
    failed = dropped[(dropped["kind"] == "image") & dropped["reason"].isin(FILE_FAULTS)]
    if len(failed) <= options.max_failures * images:
        return
    examples = failed.groupby("reason").head(3)
    raise FieldmarkError.from_problems(
        f"{len(failed)} of {images} images have no usable file, more than --max-failures "
        f"{options.max_failures:g} allows; the others are written. Fetch these again and run the "
        "same command, or allow more:",
        [f"{row.reason}: {row.dataset} {row.id} ({row.detail})" for row in examples.itertuples()],
    )
