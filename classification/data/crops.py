"""Step 4: crops of all annotations, and the table that says what became of each.

A run does what is missing. Rows of earlier runs come from ``crops.csv`` and, where a run was
killed, from its journal; a crop counts as made when its file has the recorded hash and the
recorded box, recipe and source are those of this run.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from classification.data.cct import Cct, read_cct
from classification.data.crop_journal import Journal, known_rows
from classification.data.crop_render import Recipe
from classification.data.crop_worker import Cropper, CropRow, Job, Target
from classification.data.options import CropOptions
from classification.data.parallel import core_count, in_chunks, map_chunks
from classification.errors import FieldmarkError
from classification.files import write_json
from classification.paths import DatasetPaths, crop_log
from classification.schemas import CropTable, write_csv

_CHUNK = 8  # images per message to a worker
_SMALL = 64  # images; fewer are done before worker processes have started
_BY_RULE = {"too_small"}  # rejects that the user asked for, no failures
_EXAMPLES = 3


def crop_detections(options: CropOptions) -> pd.DataFrame:
    """Cut out every annotation of a dataset; write ``crops/``, ``crops.csv`` and a log.

    Returns:
        The crop table, one row per annotation in the order of the dataset.

    Raises:
        FieldmarkError: bad options or dataset, a full disk, the crops of another dataset in the
            output folder, or more than `max_failures` of the annotations failed. In the last
            case everything is written nevertheless.
    """
    _check(options)
    cct = read_cct(options.cct)
    if cct.annotations.empty:
        raise FieldmarkError(f"{options.cct} has no annotations: there is nothing to crop.")
    paths = DatasetPaths(options.output_dir)
    known = known_rows(paths)
    left_over = _left_over(known, cct, paths)
    table, new = _run(cct, known, paths, options)
    write_csv(paths.crop_table, table, CropTable)
    paths.crop_journal.unlink(missing_ok=True)
    log = _write_log(table, options)
    print(_summary(table, new, left_over, paths, log))
    _fail_over_budget(table, options)
    return table


def _check(options: CropOptions) -> None:
    rules = {
        f"--images-dir {options.images_dir} is not a folder": options.images_dir.is_dir(),
        f"--quality {options.quality} is not in 1..95": 1 <= options.quality <= 95,
        f"--threads {options.threads} is negative": options.threads >= 0,
        f"--max-size {options.max_size} is negative": options.max_size >= 0,
        f"--min-size {options.min_size} is negative": options.min_size >= 0,
        f"--max-failures {options.max_failures} is not in 0..1": 0 <= options.max_failures <= 1,
    }
    if problems := [problem for problem, holds in rules.items() if not holds]:
        raise FieldmarkError.from_problems("cannot crop:", problems)


def _left_over(known: Mapping[str, CropRow], cct: Cct, paths: DatasetPaths) -> int:
    """Crops of earlier runs whose annotation is gone; all of them means another dataset."""
    crops = [key for key, row in known.items() if row.path is not None]
    gone = set(crops) - set(cct.annotations["id"])
    if crops and len(gone) == len(crops):
        raise FieldmarkError(
            f"{paths.root} holds {len(crops)} crops of another dataset: none of their annotations "
            "is in this one. Choose another output folder."
        )
    return len(gone)


def _run(
    cct: Cct, known: Mapping[str, CropRow], paths: DatasetPaths, options: CropOptions
) -> tuple[pd.DataFrame, int]:
    recipe = Recipe(
        strategy=options.crop_strategy,
        max_size=options.max_size,
        min_size=options.min_size,
        quality=options.quality,
        keep_truncated=options.keep_truncated,
    )
    cropper = Cropper(images=options.images_dir, crops=paths.crops, recipe=recipe)
    images = cct.annotations["image_id"].nunique()
    processes = core_count(options.threads) if images >= _SMALL else 1
    chunks = in_chunks(_jobs(cct, known), _CHUNK)
    rows: list[CropRow] = []
    new = 0
    with (
        Journal(paths.crop_journal) as journal,
        tqdm(total=images, unit="image", disable=None) as bar,
    ):
        for done in map_chunks(cropper.crop_jobs, chunks, processes=processes):
            if done.new:
                journal.append(done.rows)
            rows += done.rows
            new += done.new
            bar.update(len({row.image_id for row in done.rows}))
    table = pd.DataFrame(rows, columns=list(CropRow._fields))
    order = pd.Index(table["annotation_id"]).get_indexer(pd.Index(cct.annotations["id"]))
    return table.iloc[order].reset_index(drop=True), new


def _jobs(cct: Cct, known: Mapping[str, CropRow]) -> Iterator[Job]:
    """One job per image that has annotations, in the order of the images."""
    images, annotations = cct.images, cct.annotations
    position = pd.Index(images["id"]).get_indexer(pd.Index(annotations["image_id"]))
    order = np.argsort(position, kind="stable")
    names = images["file_name"].tolist()
    image_ids = images["id"].tolist()
    candidates = _candidates(images)
    sizes = images[["width", "height"]].to_numpy()
    ids = annotations["id"].tolist()
    boxes, relative = annotations["bbox"].tolist(), annotations["bbox_relative"].tolist()
    for group in np.split(order, np.flatnonzero(np.diff(position[order])) + 1):
        at = int(position[group[0]])
        yield Job(
            image_id=image_ids[at],
            source=names[at],
            candidates=candidates[at],
            declared=tuple(sizes[at].tolist()) if (sizes[at] > 0).all() else None,
            targets=[
                Target(
                    annotation_id=ids[i],
                    box=boxes[i] if boxes[i] is not None else relative[i],
                    relative=boxes[i] is None,
                    known=known.get(ids[i]),
                )
                for i in group
            ],
        )


def _candidates(images: pd.DataFrame) -> list[tuple[str, ...]]:
    """Where each image may lie: under its name, or as it was in the folder of its dataset."""
    names = images["file_name"].tolist()
    if "source" not in images or "source_file_name" not in images:
        return [(name,) for name in names]
    inside = zip(images["source"], images["source_file_name"], strict=True)
    return [(name, f"{s}/{f}") for name, (s, f) in zip(names, inside, strict=True)]


def _write_log(table: pd.DataFrame, options: CropOptions) -> Path:
    rejects = table.loc[table["status"] == "reject"]
    path = crop_log(options.logdir or options.output_dir, f"{datetime.now():%Y%m%d_%H%M%S}")
    log: dict[str, Any] = {
        "annotations": len(table),
        "status": table["status"].value_counts().to_dict(),
        "reasons": rejects["reason"].value_counts().to_dict(),
        "rejects": rejects[["source", "annotation_id", "reason", "detail"]].to_dict("records"),
    }
    write_json(path, log)
    return path


def _summary(table: pd.DataFrame, new: int, left_over: int, paths: DatasetPaths, log: Path) -> str:
    counts = table["status"].value_counts()
    lines = [
        f"{counts.get('crop', 0)} crops and {counts.get('whole', 0)} whole images in "
        f"{paths.crops}, {len(table) - new} of them verified from earlier runs; "
        f"{counts.get('reject', 0)} rejects"
    ]
    reasons = table.loc[table["status"] == "reject", "reason"].value_counts()
    lines += [f"  {reason:<16} {count}" for reason, count in reasons.items()]
    if left_over:
        lines.append(f"{left_over} crops of earlier runs belong to no annotation now; left there")
    return "\n".join([*lines, f"table: {paths.crop_table}", f"log:   {log}"])


def _fail_over_budget(table: pd.DataFrame, options: CropOptions) -> None:
    failed = table.loc[(table["status"] == "reject") & ~table["reason"].isin(_BY_RULE)]
    if len(failed) <= options.max_failures * len(table):
        return
    examples = failed.groupby("reason").head(_EXAMPLES)
    raise FieldmarkError.from_problems(
        f"{len(failed)} of {len(table)} annotations could not be cropped, more than "
        f"--max-failures {options.max_failures:g} allows. All others are done. Mend these and run "
        "the same command again, or allow more:",
        [
            f"{row.reason}: {row.source}, annotation {row.annotation_id} ({row.detail})"
            for row in examples.itertuples()
        ],
    )
