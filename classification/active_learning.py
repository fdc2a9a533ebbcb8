"""`run_active_learning`: image folders in, labels by way of Timelapse, a trained model out.

A front to the rounds of ``train.py``: it turns folders into a dataset and parameters into a
configuration, and writes what people look for in the Active Learning Files folder.
"""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from classification.config import RunConfig, changes_refused, to_dict
from classification.config_active_learning import (
    ActiveLearningOptions,
    in_parameters,
    option_problems,
    run_config,
)
from classification.errors import refuse
from classification.paths.active_learning import DEFAULT_FOLDER, ActiveLearningPaths
from classification.query.names import ALL_NAMES, NEEDS_OPTIONS

if TYPE_CHECKING:
    from classification.data.dataset import Dataset
    from classification.learning.fit import Bench
    from classification.rounds import Outcome

logger = logging.getLogger(__name__)

_UNFIT = "run_active_learning cannot begin:"

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands when the call returns."""

    rounds: int
    """Complete rounds."""
    finished: bool
    """Nothing is left to ask."""
    waiting: tuple[str, ...]
    """Images that wait for a label, relative to the unlabelled folder."""
    request: Path
    """``timelapse_selector.csv``, in which they are ticked."""
    answers: Path
    """Folder for the CSV that Timelapse exports."""


def run(options: ActiveLearningOptions) -> Progress:
    """Train, test, ask for labels and wait for them, until every image is labelled.

    Raises:
        FieldmarkError: parameters or folders that cannot be used, all faults of a kind together;
            another process works in the folder.
    """
    from classification.launch.here import alone_in, move_aside

    strategies = [name for name in ALL_NAMES if name not in NEEDS_OPTIONS]
    refuse(_UNFIT, option_problems(options, strategies=strategies))
    named = str(options.output_dir) != "default"
    paths = ActiveLearningPaths(Path(options.output_dir if named else DEFAULT_FOLDER).resolve())
    refuse(_UNFIT, _folder_problems(options, paths))
    with alone_in(paths):
        old = [] if options.use_checkpoints else [p for p in paths.outputs if p.exists()]
        if old:
            logger.info("set aside an earlier run in %s", move_aside(old, paths))
        return _run(options, paths)


def _folder_problems(options: ActiveLearningOptions, paths: ActiveLearningPaths) -> list[str]:
    """Folders that the run's own files would mix with."""
    out = paths.root
    if out.exists() and not out.is_dir():
        return [f"output_dir: {out} is a file; give a folder, which may be missing"]
    problems = []
    for name in ("train_data", "validation_data", "unlabelled_data"):
        given = getattr(options, name)
        if given is None:
            continue
        folder = Path(given).resolve()
        # in the unlabelled folder it is passed over; in the others it would be a class
        if out.is_relative_to(folder) and (out == folder or name != "unlabelled_data"):
            problems.append(f"output_dir: {out} lies in {name} {folder}; give a folder beside it")
        problems += [
            f"{name}: {folder} lies in {made}, which the run writes; give another output_dir"
            for made in paths.outputs
            if folder.is_relative_to(made)
        ]
    return problems


def _run(options: ActiveLearningOptions, paths: ActiveLearningPaths) -> Progress:
    from classification.labelling.people import where_to_answer
    from classification.labelling.store import LabelStore
    from classification.learning.fit import make_bench
    from classification.paths.labels import TimelapsePaths
    from classification.round_labels import read_query

    config = _config(options, paths)
    bench = make_bench(config, _dataset(options, paths), paths)
    dataset = bench.dataset
    logger.info("%d images, classes: %s", len(dataset), ", ".join(dataset.classes))
    outcome = _play(bench, paths, wait=options.wait)
    store = LabelStore(paths.labels)
    query = read_query(paths.round(outcome.completed)) if outcome.waiting else []
    exchange = TimelapsePaths(paths.root)
    if outcome.waiting:
        todo = where_to_answer(config.labels, store.name, exchange)
        logger.info("waiting for %d labels: %s; then call again", outcome.waiting, todo)
    return Progress(
        rounds=outcome.completed + 1,
        finished=outcome.finished,
        waiting=tuple(store.undecided(query)),
        request=exchange.selector,
        answers=exchange.returned,
    )


def _dataset(options: ActiveLearningOptions, paths: ActiveLearningPaths) -> "Dataset":
    """All images; without those to test on where nobody wants to test."""
    from classification.data.folders import Folders, load_folders

    given = options.validation_data
    folders = Folders(
        train=Path(options.train_data),
        unlabelled=Path(options.unlabelled_data),
        validation=None if given is None else Path(given),
        output=paths.root,
    )
    dataset = load_folders(folders, paths.data, threads=options.num_workers)
    if options.validate_model:
        return dataset
    kept = dataset.split != "test"
    return replace(
        dataset,
        table=dataset.table[kept].reset_index(drop=True),
        split=dataset.split[kept],
        labels=dataset.labels[kept],
    )


def _config(options: ActiveLearningOptions, paths: ActiveLearningPaths) -> RunConfig:
    """The configuration; what finished rounds rest on stays as it was, and a line says so."""
    from classification.settings import load_config

    config = run_config(options, data=paths.data.root)
    done = paths.complete_rounds()
    if not done:
        return config
    before = load_config(paths.round(done[-1]).config, strategies=ALL_NAMES)
    config = replace(config, data=before.data)  # the folder may have moved with all that is in it
    for change in changes_refused(to_dict(before), config):
        logger.warning("ignored, finished rounds rest on it: %s", in_parameters(change))
    backbone = replace(before.backbone, batch_size=config.backbone.batch_size)
    return replace(config, seed=before.seed, backbone=backbone)


def _play(bench: "Bench", paths: ActiveLearningPaths, *, wait: str) -> "Outcome":
    """Rounds until nothing is left to ask, or nobody waits; models are exported while people
    label."""
    from classification.labelling.store import LabelStore
    from classification.publish import publish_model, publish_scores
    from classification.round_labels import collect_labels, read_query
    from classification.rounds import run_rounds
    from classification.summary import round_line

    def on_round(number: int) -> None:
        publish_scores(paths, number)
        logger.info(round_line(paths.round(number)))

    for number in paths.complete_rounds():
        publish_scores(paths, number)  # a call may have been stopped right after a round
    labels = replace(bench.config.labels, wait=wait)
    patient = replace(bench, config=replace(bench.config, labels=labels))
    while True:
        outcome = run_rounds(bench, on_round=on_round)
        publish_model(paths)
        if not outcome.waiting or wait == "no":
            return outcome
        query = read_query(paths.round(outcome.completed))
        store = LabelStore(paths.labels)
        if collect_labels(patient, store, query, round_number=outcome.completed):
            return outcome  # there is no one to press enter


def _function(
    options: Callable[P, ActiveLearningOptions], play: Callable[..., R]
) -> Callable[P, R]:
    """`play` with the fields of its options as parameters: one declaration serves the command
    line and the function."""

    def function(*args: P.args, **kwargs: P.kwargs) -> R:
        return play(options(*args, **kwargs))

    function.__name__ = function.__qualname__ = "run_active_learning"
    function.__doc__ = play.__doc__
    signature = inspect.signature(options)
    function.__signature__ = signature.replace(return_annotation=Progress)  # type: ignore[attr-defined]
    return function


run_active_learning = _function(ActiveLearningOptions, run)
"""Parameters are the fields of `ActiveLearningOptions`."""
