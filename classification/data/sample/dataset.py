"""The generated dataset on disk: pictures by location and one COCO Camera Traps file."""

import json
import os
import signal
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import active_children, get_context
from pathlib import Path

from tqdm import tqdm

from classification.data.sample.dirty import soil
from classification.data.sample.frames import shoot
from classification.data.sample.options import SampleOptions
from classification.data.sample.records import Record, Records, coco_camera_traps
from classification.data.sample.scenes import build_scene
from classification.data.sample.schedule import Sequence, plan
from classification.data.sample.storage import encode
from classification.errors import FieldmarkError
from classification.files import atomic_open, read_json, write_json, write_text
from classification.paths import SamplePaths


@dataclass(frozen=True, kw_only=True)
class _Task:
    seed: int
    width: int
    height: int
    images: Path
    sequences: list[Sequence]  # of one location


def make_sample_dataset(options: SampleOptions) -> Path:
    """Draw the dataset and return its COCO Camera Traps file, which is written last.

    A run that was interrupted is drawn again with the same options; a finished one is left alone.

    Raises:
        FieldmarkError: options out of range, or the folder holds something else.
    """
    options.check()
    paths = SamplePaths(options.output_dir)
    if _finished(options, paths):
        print(f"{paths.cct} is complete for these options; nothing to do")
        return paths.cct
    write_json(paths.options, options.identity())
    cct = coco_camera_traps(options, _draw(options, paths.images))
    if options.dirty:
        soil(cct, paths.images)
    # With --dirty a box holds NaN, which is not JSON but stands in published files.
    write_text(paths.cct, json.dumps(cct, indent=1, allow_nan=options.dirty) + "\n")
    _summarise(cct, paths)
    return paths.cct


def _finished(options: SampleOptions, paths: SamplePaths) -> bool:
    """Whether the work is done; refuse a folder that holds the work of other options."""
    if paths.root.exists() and not paths.root.is_dir():
        raise FieldmarkError(f"{paths.root} is a file. Give a new or an empty folder.")
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


def _draw(options: SampleOptions, images: Path) -> list[Records]:
    """Draw all locations; results are in their order, whatever the number of processes."""
    sequences = plan(seed=options.seed, locations=options.locations, images=options.images)
    tasks = [
        _Task(
            seed=options.seed,
            width=options.width,
            height=options.height,
            images=images,
            sequences=list(group),
        )
        for _, group in groupby(sequences, key=lambda one: one.location)
    ]
    workers = min(options.processes or os.cpu_count() or 1, len(tasks))
    with tqdm(total=options.images, unit="image", desc="drawing", disable=None) as progress:
        if workers == 1:
            return [_counted(_draw_location(task), progress) for task in tasks]
        return _draw_in_parallel(tasks, workers, progress)


def _draw_in_parallel(tasks: list[_Task], workers: int, progress: tqdm) -> list[Records]:
    """Largest location first, or the last worker ends long after the others."""
    order = sorted(range(len(tasks)), key=lambda n: -sum(s.frames for s in tasks[n].sequences))
    others = active_children()
    # Spawned, because forking a process that has threads (a notebook, torch) can hang.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_leave_ctrl_c_to_parent)
    try:
        futures = {number: pool.submit(_draw_location, tasks[number]) for number in order}
        done = {number: _counted(futures[number].result(), progress) for number in order}
    except KeyboardInterrupt:
        for worker in set(active_children()).difference(others):
            worker.terminate()  # or Ctrl-C would wait for whole locations
        raise
    except BrokenProcessPool as error:
        raise FieldmarkError(
            "a worker process died, perhaps for want of memory. Run the same command again with "
            "fewer --processes; it goes on in the same folder."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
    return [done[number] for number in range(len(tasks))]


def _leave_ctrl_c_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _counted(records: Records, progress: tqdm) -> Records:
    progress.update(len(records.images))
    return records


def _draw_location(task: _Task) -> Records:
    """Draw and write all frames of one location."""
    location = task.sequences[0].location
    scene = build_scene(seed=task.seed, location=location, width=task.width, height=task.height)
    records = Records(images=[], annotations=[])
    for sequence in task.sequences:
        for number, frame in enumerate(shoot(task.seed, scene, sequence)):
            image = records.add(scene, sequence, number, frame)
            with atomic_open(task.images / image["file_name"], "wb") as f:
                f.write(encode(frame.pixels, scene.camera, sequence.time(number)))
    return records


def _summarise(cct: Record, paths: SamplePaths) -> None:
    names = {category["id"]: category["name"] for category in cct["categories"]}
    counts = Counter(names[one["category_id"]] for one in cct["annotations"])
    locations = len({str(image["location"]) for image in cct["images"]})
    print(f"{len(cct['images'])} images from {locations} locations in {paths.images}")
    for name, count in counts.most_common():
        print(f"  {name:<10} {count:>5}")
    if faults := Counter(fault["kind"] for fault in cct["info"].get("faults", [])):
        print("faults: " + ", ".join(f"{kind} x {count}" for kind, count in faults.items()))
    print(f"annotations: {paths.cct}")
