"""What predict.py does: a model of a run on a split, or on images from anywhere."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from classification.config import RunConfig
from classification.data.dataset import load_dataset
from classification.data.folder_files import image_names
from classification.errors import FieldmarkError
from classification.evaluate import evaluate
from classification.files import atomic_open, read_json, write_json
from classification.learning.crops import CropReader, Inputs
from classification.learning.fit import pick_device
from classification.learning.model import Classifier, load_classifier
from classification.paths import DatasetPaths, RoundPaths, RunPaths
from classification.paths.data import CROP_MARK
from classification.paths.versions import ReleasePaths
from classification.predictions import write_predictions
from classification.recognition import WHOLE, Box, boxes_of, write_recognitions
from classification.round_labels import measured_dataset
from classification.schemas import CropTable, read_csv

_UNCROPPED = (
    "note: these images are no crops. A model that learned from crops of animals guesses on whole "
    "frames. Find the animals with MegaDetector, then utils/combine_datasets.py --md-results and "
    "utils/crop_detections.py, and give the crops folder to --images"
)


def predict_split(
    config: RunConfig,
    run: Path,
    split: str,
    *,
    checkpoint: Path | None,
    output: Path | None,
    recognitions: Path | None = None,
) -> None:
    """Write predictions of a split and, where labels are known, its scores beside them.

    With `recognitions`, also as MegaDetector JSON: one image per frame, the boxes of its crops.

    Raises:
        FieldmarkError: no model, or the model is of another dataset.
    """
    paths = RunPaths(run)
    model = checkpoint or newest_model(paths)
    classifier = load_classifier(model)
    dataset = load_dataset(config.data, people=True)
    classes = classifier.card.classes
    if classes[: len(dataset.classes)] != dataset.classes:  # a run may have added its own behind
        raise FieldmarkError(
            f"the model knows {', '.join(classes)}; {config.data.dir} holds "
            f"{', '.join(dataset.classes)}. Give the config of the run that trained the model."
        )
    if checkpoint is None:
        dataset = measured_dataset(replace(dataset, classes=classes), RoundPaths(model))
    rows = dataset.rows(split)
    items = [dataset.paths[i] for i in rows]
    probs = classifier.predict(_inputs(config, classifier, dataset.crops), items)
    target = output or paths.predictions(split)
    write_predictions(
        target,
        items,
        probs,
        classes=classes,
        split=split,
        labels=dataset.table["label"].to_numpy()[rows],
        groups=dataset.groups[rows],
    )
    print(f"{len(rows)} predictions: {target}")
    if recognitions is not None:
        crops = read_csv(
            DatasetPaths(Path(config.data.dir)).crop_table, CropTable, what="crop table"
        )
        boxes = boxes_of(items, crops, dataset.table["confidence"].to_numpy()[rows].tolist())
        name = _model_name(paths, classifier, checkpoint)
        write_recognitions(recognitions, boxes, probs, classes=classes, classifier=name)
        print(f"{len({box.file for box in boxes})} images for Timelapse: {recognitions}")
    known = dataset.labels[rows] >= 0
    if known.any():
        scores = evaluate(
            dataset.labels[rows][known],
            probs[known],
            classes=classes,
            groups=dataset.groups[rows][known],
            rng=np.random.default_rng(config.seed),
            resamples=config.bootstrap,
        )
        write_json(target.with_suffix(".metrics.json"), scores.to_json())
        print(f"{split}: accuracy {scores.accuracy:.3f}, macro-F1 {scores.macro_f1:.3f}")


def predict_folder(
    config: RunConfig,
    run: Path,
    images: Path,
    *,
    checkpoint: Path | None,
    output: Path | None,
    recognitions: Path | None = None,
) -> None:
    """Write predictions of all images in a folder; unreadable ones go to a list with reasons.

    Of the crops folder that ``crop_detections.py`` wrote the table says which frame a crop is from.
    With `recognitions`, also as MegaDetector JSON: of such a folder the frames with their boxes, of
    any other every image with one box that fills it.

    Raises:
        FieldmarkError: no model, or no readable image.
    """
    paths = RunPaths(run)
    classifier = load_classifier(checkpoint or newest_model(paths))
    inputs = _inputs(config, classifier, images, tolerate=True)
    names = image_names(images)
    probs = classifier.predict(inputs, names)
    target = output or paths.predictions(images.resolve().name)
    failures = inputs.reader.failures
    if failures:
        rows = [(name, error.reason, error.detail) for name, error in sorted(failures.items())]
        with atomic_open(target.with_suffix(".failed.csv")) as f:
            csv.writer(f, lineterminator="\n").writerows([("path", "reason", "detail"), *rows])
        print(f"{len(rows)} images could not be read: {target.with_suffix('.failed.csv')}")
    good = [i for i, name in enumerate(names) if name not in failures]
    if not good:
        raise FieldmarkError(f"no readable image in {images} or below")
    classes, items = classifier.card.classes, [names[i] for i in good]
    boxes = _frames(images, items)
    frames = None if boxes is None else [box.file for box in boxes]
    write_predictions(target, items, probs[good], classes=classes, sources=frames)
    print(f"{len(good)} predictions: {target}")
    if boxes is None and _learned_crops(config) and not any(CROP_MARK in name for name in items):
        print(_UNCROPPED)
    if recognitions is not None:
        boxes = boxes or [Box(file=name, bbox=WHOLE, confidence=1.0) for name in items]
        write_recognitions(
            recognitions,
            boxes,
            probs[good],
            classes=classes,
            classifier=_model_name(paths, classifier, checkpoint),
            failures={name: f"Failure image access: {e.reason}" for name, e in failures.items()},
        )
        shown = len({box.file for box in boxes} | failures.keys())
        print(f"{shown} images for Timelapse: {recognitions}")


def newest_model(paths: RunPaths) -> Path:
    """Folder of the newest complete round with a model.

    Raises:
        FieldmarkError: there is none.
    """
    played = paths.newest_model()
    if played is None:
        raise FieldmarkError(f"no trained round in {paths.root}; run classification/train.py first")
    return played.root


def _frames(images: Path, items: list[str]) -> list[Box] | None:
    """Frame and box of each crop, where `images` is a crops folder with its table beside it."""
    paths = DatasetPaths(images.resolve().parent)
    if images.resolve() != paths.crops or not paths.crop_table.exists():
        return None
    crops = read_csv(paths.crop_table, CropTable, what="crop table")
    return boxes_of(items, crops, [1.0] * len(items))


def _learned_crops(config: RunConfig) -> bool:
    """Whether the run learned from crops of animals; True where that cannot be told."""
    table = DatasetPaths(Path(config.data.dir)).crop_table
    if not table.exists():
        return True
    return bool((read_csv(table, CropTable, what="crop table")["status"] == "crop").any())


def _model_name(paths: RunPaths, classifier: Classifier, checkpoint: Path | None) -> str:
    name, record = paths.model_name, ReleasePaths(checkpoint or paths.root).record
    if checkpoint and record.exists():  # out of the registry: not of this run
        name = read_json(record, what="record of the model version")["name"]
    return f"{name}, round {classifier.card.round}"


def _inputs(
    config: RunConfig, classifier: Classifier, folder: Path, *, tolerate: bool = False
) -> Inputs:
    preprocessing = classifier.card.preprocessing
    reader = CropReader(
        folder, size=preprocessing.image_size, threads=config.launch.threads, tolerate=tolerate
    )
    return Inputs(
        reader=reader,
        preprocessing=preprocessing,
        device=pick_device(config),
        forward_batch=config.backbone.batch_size,
    )
