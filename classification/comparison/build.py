"""From the configuration of a comparison to its tasks, strategies and protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.comparison.arrays import SUFFIX, Arrays, array_task, read_arrays
from classification.comparison.play import LIMITS, Entrant, Protocol
from classification.comparison.task import Task
from classification.config import BackboneConfig
from classification.config_compare import CompareConfig
from classification.errors import FieldmarkError
from classification.own_strategy import named_strategy, strategy_function
from classification.paths import ComparisonPaths, DatasetPaths
from classification.query.names import ALIASES, STRATEGY_NAMES
from classification.query.select import check_options, resolve
from classification.query.strategy import Strategy

if TYPE_CHECKING:
    from classification.comparison.data_prep import DataPrep

_FROZEN_SIZE = 224
_SMALL, _FROZEN_SMALL = 32, 96  # images of 28 or 32 pixels hold no more


def make_tasks(config: CompareConfig, paths: ComparisonPaths) -> list[Task]:
    """Every dataset with every model.

    Raises:
        FieldmarkError: unknown names, missing files, datasets that cannot be used.
    """
    make = _frozen if config.training == "frozen" else _end_to_end
    tasks = []
    for name in config.datasets:
        if config.training == "frozen" and (arrays := _embedded(name)) is not None:
            tasks.append(array_task(arrays))
            continue
        found = [make(name, model, config, paths) for model in config.models]
        tasks += [replace(task, model_in_title=True) for task in found] if found[1:] else found
    return tasks


def make_protocol(config: CompareConfig) -> Protocol:
    """What all strategies have in common."""
    return Protocol(
        start=config.start,
        batch=config.batch,
        rounds=config.rounds,
        cold=config.cold,
        inverse_penalty=config.inverse_penalty,
        start_per_class=config.start_per_class,
    )


def make_entrants(given: Sequence[str | Mapping[str, Any]], *, per_group: int) -> list[Entrant]:
    """Strategies by name, with random picks among them.

    Args:
        given: names, of ours or ``FILE.py:NAME``; or mappings with a strategy, its options and, if
            it shall have another name, that name.
        per_group: most frames of a burst, for all but random and those that say it themselves.

    Raises:
        FieldmarkError: all unknown strategies and options together.
    """
    entrants, faults = [], []
    for item in given:
        fields = {"strategy": item} if isinstance(item, str) else dict(item)
        strategy = str(fields.pop("strategy", fields.get("name", "")))
        name = str(fields.pop("name", strategy.rpartition(":")[2]))
        limit = {"per_group": per_group} if per_group and strategy != "random" else {}
        try:
            chosen = named_strategy(strategy)
            known = _known(chosen) if isinstance(chosen, str) else strategy_function(chosen)
            own = {key: value for key, value in fields.items() if key not in LIMITS}
            check_options(f"strategy {name!r}", known, own)
            entrants.append(Entrant(name=name, strategy=chosen, options=limit | fields))
        except FieldmarkError as fault:
            faults.append(str(fault))
    if faults:
        raise FieldmarkError.from_problems("these strategies cannot be compared:", faults)
    return with_random(entrants)


def with_random(entrants: Sequence[Entrant]) -> list[Entrant]:
    """The strategies, with plain random picks first where they are missing."""
    if any(entrant.name == "random" for entrant in entrants):
        return list(entrants)
    return [Entrant(name="random", strategy="random"), *entrants]


def _known(name: str) -> Strategy:
    import difflib

    if name not in STRATEGY_NAMES and name not in ALIASES:
        near = difflib.get_close_matches(name, [*STRATEGY_NAMES, *ALIASES], n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise FieldmarkError(f"unknown strategy {name!r}{hint}")
    return resolve(name)


def _embedded(name: str) -> Arrays | None:
    """Embeddings of one's own, which need no model; None where it is something else."""
    if not name.endswith(SUFFIX):
        return None
    arrays = read_arrays(Path(name))
    return arrays if arrays.embedded else None


def _frozen(name: str, model: str, config: CompareConfig, paths: ComparisonPaths) -> Task:
    """Tables are divided anew by each seed, whole locations at a time; others have their test."""
    from classification.comparison.features import dataset_task, frozen_task

    backbone = BackboneConfig(
        name=model,
        weights=config.weights,
        image_size=config.image_size or _FROZEN_SIZE,
        mean=config.mean,
        std=config.std,
    )
    if DatasetPaths(Path(name)).table.exists():
        return dataset_task(Path(name), backbone, store=paths.embeddings)
    prep = _open(name, config)
    if not config.image_size and prep.image_size <= _SMALL:
        backbone = replace(backbone, image_size=_FROZEN_SMALL)
    return frozen_task(prep, backbone, store=paths.embeddings)


def _end_to_end(name: str, model: str, config: CompareConfig, paths: ComparisonPaths) -> Task:
    from classification.comparison.end_to_end import EndToEnd, image_task

    del paths
    learner = EndToEnd(
        prep=_open(name, config),
        network=model,
        weights=config.weights,
        recipe=config.recipe,
        image_size=config.image_size,
        mean=config.mean,
        std=config.std,
    )
    return image_task(learner, validation=config.validation)


def _open(name: str, config: CompareConfig) -> "DataPrep":
    from classification.comparison.sets import open_prep

    return open_prep(name, source=config.source, download=config.download, images=config.images)
