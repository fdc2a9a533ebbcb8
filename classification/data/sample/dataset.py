"""The generated dataset on disk: pictures by location and one COCO Camera Traps file."""

import io
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classification.data.sample.anatomy import SPECIES
from classification.data.sample.camera import rotated_for_storage
from classification.data.sample.frames import shoot
from classification.data.sample.options import SampleOptions
from classification.data.sample.scenes import Scene, build_scene
from classification.data.sample.schedule import Sequence, plan
from classification.errors import FieldmarkError
from classification.files import atomic_open, read_json, write_json
from classification.paths import SamplePaths

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
EXIF_ORIENTATION, EXIF_MAKE, EXIF_MODEL, EXIF_TIME = 0x0112, 0x010F, 0x0110, 0x0132
CATEGORY_IDS = {"empty": 0} | {name: number for number, name in enumerate(SPECIES, start=1)}


@dataclass(frozen=True, kw_only=True)
class _Task:
    seed: int
    width: int
    height: int
    images: Path
    sequences: list[Sequence]  # of one location


@dataclass(frozen=True, kw_only=True)
class _Records:
    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]


def make_sample_dataset(options: SampleOptions) -> Path:
    """Draw the dataset and return its COCO Camera Traps file, which is written last.

    Raises:
        FieldmarkError: options out of range, or the folder holds something else.
    """
    options.check()
    paths = SamplePaths(options.output_dir)
    if _finished(options, paths):
        print(f"{paths.cct} is complete for these options; nothing to do")
        return paths.cct
    write_json(paths.options, options.identity())
    sequences = plan(seed=options.seed, locations=options.locations, images=options.images)
    tasks = [
        _Task(
            seed=options.seed,
            width=options.width,
            height=options.height,
            images=paths.images,
            sequences=list(group),
        )
        for _, group in groupby(sequences, key=lambda one: one.location)
    ]
    results = _run(tasks, options.processes or os.cpu_count() or 1)
    cct = _cct(options, results)
    write_json(paths.cct, cct)
    _summarise(cct, paths)
    return paths.cct


def _finished(options: SampleOptions, paths: SamplePaths) -> bool:
    """Whether the work is done; refuse a folder that holds the work of other options."""
    if not paths.root.exists() or not any(paths.root.iterdir()):
        return False
    if not paths.options.exists():
        raise FieldmarkError(
            f"{paths.root} is not empty and was not made by this step. "
            "Give a new or an empty folder."
        )
    before, now = read_json(paths.options, what="record of the sample options"), options.identity()
    changed = [
        f"{name}: there {before.get(name)}, now {value}"
        for name, value in now.items()
        if before.get(name) != value
    ]
    if changed:
        raise FieldmarkError.from_problems(
            f"{paths.root} holds a dataset of other options. Give a new folder, "
            "or repeat those options:",
            changed,
        )
    return paths.cct.exists()


def _run(tasks: list[_Task], processes: int) -> list[_Records]:
    """Results in the order of the tasks; the largest tasks start first."""
    if processes == 1:
        return [_draw_location(task) for task in tasks]
    order = sorted(range(len(tasks)), key=lambda n: -sum(s.frames for s in tasks[n].sequences))
    with ProcessPoolExecutor(min(processes, len(tasks)), get_context("spawn")) as pool:
        futures = {number: pool.submit(_draw_location, tasks[number]) for number in order}
        return [futures[number].result() for number in range(len(tasks))]


def _draw_location(task: _Task) -> _Records:
    """Draw and write all frames of one location."""
    location = task.sequences[0].location
    scene = build_scene(seed=task.seed, location=location, width=task.width, height=task.height)
    records = _Records(images=[], annotations=[])
    for sequence in task.sequences:
        for number, frame in enumerate(shoot(task.seed, scene, sequence)):
            image = _image_record(scene, sequence, number)
            content = encode(frame.pixels, scene, sequence.time(number))
            with atomic_open(task.images / image["file_name"], "wb") as f:
                f.write(content)
            records.images.append(image)
            records.annotations.extend(_annotation_records(image["id"], frame.boxes))
    return records


def _image_record(scene: Scene, sequence: Sequence, frame: int) -> dict[str, Any]:
    seq_id = f"{scene.name}_{sequence.index:04d}"
    image_id = f"{seq_id}_{frame}"
    return {
        "id": image_id,
        "file_name": f"{scene.name}/{image_id}.jpg",
        "width": scene.camera.width,
        "height": scene.camera.height,
        "datetime": sequence.time(frame).strftime(TIME_FORMAT),
        "seq_id": seq_id,
        "seq_num_frames": sequence.frames,
        "frame_num": frame,
        "location": scene.name,
    }


def _annotation_records(
    image_id: str, boxes: list[tuple[str, list[float]]]
) -> list[dict[str, Any]]:
    if not boxes:
        return [{"id": f"{image_id}_0", "image_id": image_id, "category_id": 0}]
    return [
        {
            "id": f"{image_id}_{number}",
            "image_id": image_id,
            "category_id": CATEGORY_IDS[name],
            "bbox": box,
        }
        for number, (name, box) in enumerate(boxes)
    ]


def encode(upright: NDArray[np.uint8], scene: Scene, moment: datetime) -> bytes:
    """The JPEG file of a frame, rotated as its camera stores it, with EXIF."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = scene.camera.orientation
    exif[EXIF_MAKE], exif[EXIF_MODEL] = "Fieldmark", f"Sample {scene.camera.brand + 1}"
    exif[EXIF_TIME] = moment.strftime("%Y:%m:%d %H:%M:%S")
    stored = Image.fromarray(rotated_for_storage(upright, scene.camera.orientation))
    buffer = io.BytesIO()
    stored.save(buffer, "JPEG", quality=scene.camera.quality, exif=exif)
    return buffer.getvalue()


def _cct(options: SampleOptions, results: list[_Records]) -> dict[str, Any]:
    return {
        "info": {
            "version": "1.0",
            "description": "Generated camera-trap pictures (drawn, not photographed)",
            "contributor": "Fieldmark sample generator",
            "year": 2023,
            "options": options.identity(),
        },
        "images": [image for records in results for image in records.images],
        "annotations": [one for records in results for one in records.annotations],
        "categories": [{"id": number, "name": name} for name, number in CATEGORY_IDS.items()],
    }


def _summarise(cct: dict[str, Any], paths: SamplePaths) -> None:
    names = {category["id"]: category["name"] for category in cct["categories"]}
    counts = Counter(names[one["category_id"]] for one in cct["annotations"])
    locations = len({image["location"] for image in cct["images"]})
    print(f"{len(cct['images'])} images from {locations} locations in {paths.root}")
    for name, count in counts.most_common():
        print(f"  {name:<10} {count:>5}")
    print(f"annotations: {paths.cct}")
