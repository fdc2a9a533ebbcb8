"""One experiment, or a batch of them: a strategy with a network, trained end to end."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.comparison.build import make_entrants, make_protocol, make_tasks
from classification.comparison.grid import play_grid
from classification.config_compare import compare_problems
from classification.config_experiment import ExperimentOptions, batch_problems, variants
from classification.errors import FieldmarkError
from classification.files import read_json, write_json
from classification.paths import ComparisonPaths
from classification.settings import read_fields, typed

if TYPE_CHECKING:
    import pandas as pd

# Options that say where and how an experiment runs, not what comes out.
_FREE = {"n_rounds", "source", "download", "output", "tensorboard", "mlflow"}


def run_experiments(experiments: Sequence[ExperimentOptions]) -> None:
    """One after another; those that are done are passed over.

    Raises:
        FieldmarkError: an experiment of this name is there with other options.
    """
    for number, options in enumerate(experiments, start=1):
        if len(experiments) > 1:
            print(f"\n[{number}/{len(experiments)}] {options.experiment_name}")
        print(_lines(run_experiment(options)))


def run_experiment(options: ExperimentOptions) -> "pd.DataFrame":
    """Play the rounds that are missing; everything is in the experiment's folder.

    Returns:
        A row per round, as `classification.schemas.ResultTable`.

    Raises:
        FieldmarkError: options that cannot be used, or a folder with another experiment.
    """
    config = options.compare_config()
    if faults := compare_problems(config):
        raise FieldmarkError.from_problems("the experiment cannot begin:", faults)
    name = config.strategies[0]
    entrant = next(e for e in make_entrants([name], per_group=0) if e.name == name)
    paths = ComparisonPaths(config.output)
    _require_same(options, paths)
    (task,) = make_tasks(config, paths)
    write_json(paths.details, {"options": _plain(options), "classes": {task.title: task.classes}})
    results = play_grid(
        [task],
        [entrant],
        protocols={task.title: make_protocol(config)},
        seeds=[config.first_seed],
        paths=paths,
        processes=0,
        tensorboard=config.tensorboard,
    )
    if config.mlflow:
        from classification.comparison.mlflow_copy import send

        send(results, paths, params=_plain(options))
    return results


def read_batch(path: Path) -> list[dict[str, Any]]:
    """Options of every experiment of a batch, in order.

    A batch has ``common``, options that all share, and ``vary``, lists of values; every combination
    of these is an experiment, named after the batch and the values.

    Raises:
        FieldmarkError: the file is missing or not YAML, or all that is wrong with it.
    """
    batch = read_fields(path, what="batch")
    faults = batch_problems(batch)
    if not faults:
        varied = [(key, value) for key, values in batch["vary"].items() for value in values]
        given = [*batch.get("common", {}).items(), *varied]
        faults = typed(ExperimentOptions, given)[1]
    if faults:
        raise FieldmarkError.from_problems(f"the batch {path} cannot be run:", faults)
    return [batch.get("common", {}) | chosen for chosen in variants(path.stem, batch["vary"])]


def _require_same(options: ExperimentOptions, paths: ComparisonPaths) -> None:
    if not paths.details.exists():
        return
    before = read_json(paths.details, what="record of an experiment")["options"]
    now = _plain(options)
    faults = [
        f"{key}: was {before.get(key)!r}, now {value!r}"
        for key, value in now.items()
        if key not in _FREE and before.get(key) != value
    ]
    if faults:
        raise FieldmarkError.from_problems(
            f"{paths.root} holds an experiment with other options; give another "
            "--experiment_name, or delete the folder:",
            faults,
        )


def _plain(options: ExperimentOptions) -> dict[str, Any]:
    return {k: str(v) if isinstance(v, Path) else v for k, v in asdict(options).items()}


def _lines(results: "pd.DataFrame") -> str:
    shown = results[["round", "num_labels", "accuracy", "macro_f1", "training_seconds"]]
    return shown.to_string(index=False, float_format="%.3f")
