"""What `ActiveLearningComparison` takes, and what it makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from classification.comparison.curves import read_curve
from classification.comparison.data_prep import DataPrep, Images, labels_of
from classification.comparison.play import Entrant
from classification.config_learning import FinetuneConfig
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths
from classification.query.strategy import Strategy

if TYPE_CHECKING:
    from classification.learning.optimisers import TorchPace

OPTIMISERS = ("adamw", "adam", "sgd")
SCHEDULES = ("auto", "one_cycle", "constant", "cosine", "plateau")
TURNS = ("train_acc", "train_loss", "epoch", "step")


class Given(DataPrep):
    """Datasets that were given one by one."""

    def __init__(self, train: Images, query: Images | None, test: Images | None) -> None:
        if test is None:
            raise FieldmarkError("test is missing: a comparison needs images that none learns from")
        self.train, self.query, self.test = train, query or train, test
        self.name = type(train).__name__.lower()
        most = int(max(labels_of(self.query).max(), labels_of(test).max()))
        self.classes = tuple(map(str, getattr(train, "classes", range(most + 1))))


def entrant(given: Mapping[str, Any]) -> Entrant:
    """One of `query_types`."""
    strategy: str | Strategy = given["func"]
    return Entrant(name=str(given["name"]), strategy=strategy, options=given.get("options", {}))


def count(share: float | None, size: int | None, pool: int, *, default: float) -> int:
    """Items of a pool from a share or a number of them."""
    if size is not None:
        return size
    return int(pool * (default if share is None else share))


def query_faults(query_types: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with them, in words."""
    names = [given.get("name") for given in query_types]
    faults = [
        f"query_types[{i}] has no {key}; it is a mapping with name and func"
        for i, given in enumerate(query_types)
        for key in ("name", "func")
        if key not in given
    ]
    return faults + [f"two query_types are called {n!r}" for n in {*names} if names.count(n) > 1]


def name_faults(optimizer: Any, scheduler: Any, scheduler_type: str) -> list[str]:
    """Names that nobody knows, in words."""
    faults = []
    for what, given, allowed in (
        ("optimizer", optimizer, OPTIMISERS),
        ("scheduler", scheduler, SCHEDULES),
        ("scheduler_type", scheduler_type, TURNS),
    ):
        if isinstance(given, str) and given not in allowed:
            faults.append(f"{what} {given!r} is unknown; allowed: {', '.join(allowed)}")
    return faults


def named(recipe: FinetuneConfig, optimizer: Any, scheduler: Any) -> FinetuneConfig:
    """The recipe with an optimizer and a scheduler by name; where one is a class, `pace` rules."""
    if not isinstance(optimizer, str) or not isinstance(scheduler, str | None):
        return recipe
    names: Any = {"optimiser": optimizer, "schedule": scheduler or "constant"}
    return replace(recipe, **names)


def pace(optimizer: Any, scheduler: Any, scheduler_type: Any) -> "TorchPace | None":
    """Classes of torch, the optimizer perhaps by its name; None where both are names."""
    from torch import optim

    from classification.learning.optimisers import TorchPace

    if isinstance(optimizer, str) and isinstance(scheduler, str | None):
        return None
    if isinstance(scheduler, str):
        raise FieldmarkError(
            f"scheduler {scheduler!r} is a name and optimizer a class; give both as names or both "
            "as classes of torch.optim"
        )
    classes = {"adamw": optim.AdamW, "adam": optim.Adam, "sgd": optim.SGD}
    made = classes[optimizer] if isinstance(optimizer, str) else optimizer
    return TorchPace(optimiser=made, schedule=scheduler, when=scheduler_type)


def first_labels(
    paths: ComparisonPaths, title: str, seeds: Sequence[int]
) -> dict[tuple[str, int], list[int]]:
    """First labels of another comparison, by title of the task and seed.

    Raises:
        FieldmarkError: it has none for a seed.
    """
    openings = {}
    for seed in seeds:
        found = paths.cells(title, seed)
        played = read_curve(found[0]) if found else None
        if played is None or not played.rows:
            raise FieldmarkError(
                f"{paths.root} has no round of {title} with seed {seed} whose first labels could "
                "be taken over"
            )
        openings[title, seed] = played.queries[: int(played.rows[0]["num_labels"])]
    return openings


def folder_name(run_id: str | int) -> str:
    """Of a run."""
    return f"{run_id:06d}" if isinstance(run_id, int) else run_id


def require(faults: Sequence[str]) -> None:
    """Raise if there are any."""
    if faults:
        raise FieldmarkError.from_problems("the comparison cannot begin:", list(faults))
