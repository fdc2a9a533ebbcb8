"""All strategies, seeds and datasets of a comparison: in parallel, and resumable round by round."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from classification.comparison.cells import Cell, play_cells
from classification.comparison.curves import (
    Curve,
    described,
    first_rounds,
    read_curve,
    write_tables,
)
from classification.comparison.play import Entrant, Protocol
from classification.comparison.task import Task, split_task
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths

if TYPE_CHECKING:
    import pandas as pd


def play_grid(
    tasks: Sequence[Task],
    entrants: Sequence[Entrant],
    *,
    protocols: Mapping[str, Protocol],
    seeds: Sequence[int],
    paths: ComparisonPaths,
    processes: int,
    openings: Mapping[tuple[str, int], Sequence[int]] | None = None,
    tensorboard: bool = False,
    ahead: bool = False,
) -> "pd.DataFrame":
    """Play what is not there yet; every curve is a file that grows with each round.

    Args:
        tasks: the datasets.
        entrants: the strategies; names must differ.
        protocols: by title of the task.
        seeds: each gives a split, first labels and every later random choice, the same for all.
        paths: folder of the results.
        processes: cells played at the same time, one core each; 0: here, on all cores.
        openings: first labels by title and seed that are not drawn here.
        tensorboard: write event files.
        ahead: as in `play`.

    Returns:
        One row per dataset, strategy, seed and round: `classification.schemas.ResultTable`.

    Raises:
        FieldmarkError: two entrants of one name, or a folder with results of other data, another
            split, other options or another protocol.
    """
    names = [entrant.name for entrant in entrants]
    if len(set(names)) < len(names):
        raise FieldmarkError(f"strategies need names of their own; given: {', '.join(names)}")
    titles = [task.title for task in tasks]
    if len(set(titles)) < len(titles):
        raise FieldmarkError(f"datasets need names of their own; given: {', '.join(titles)}")
    grid = _Grid(
        protocols=protocols,
        paths=paths,
        openings=openings or {},
        tensorboard=tensorboard,
        ahead=ahead,
    )
    cells = list(_cells(tasks, entrants, seeds, grid))
    missing = [cell for cell in cells if not _is_done(cell)]
    play_cells(missing, tasks, processes)
    by_title = {task.title: task for task in tasks}
    curves = (_curve(cell, by_title[cell.task], paths) for cell in cells)
    return write_tables(paths.results, paths.recall, curves)[0]


@dataclass(frozen=True, kw_only=True)
class _Grid:
    protocols: Mapping[str, Protocol]
    paths: ComparisonPaths
    openings: Mapping[tuple[str, int], Sequence[int]]
    tensorboard: bool
    ahead: bool


def _cells(
    tasks: Sequence[Task], entrants: Sequence[Entrant], seeds: Sequence[int], grid: _Grid
) -> Iterable[Cell]:
    for task in tasks:
        digest, protocol = task.digest(), grid.protocols[task.title]
        learner = {} if task.learner is None else {"learner": task.learner.stamp()}
        for seed in seeds:
            split = split_task(task, seed)
            opening = tuple(int(i) for i in grid.openings.get((task.title, seed), ()))
            for entrant in entrants:
                at = (task.title, entrant.name, seed)
                yield Cell(
                    task=task.title,
                    entrant=entrant,
                    seed=seed,
                    split=split,
                    protocol=protocol,
                    path=grid.paths.cell(*at),
                    stamp={
                        "data": digest,
                        "split": split.digest(),
                        "protocol": asdict(protocol),
                        "strategy": described(entrant.strategy),
                        "options": {key: str(value) for key, value in entrant.options.items()},
                        **learner,
                        **({"opening": list(opening)} if opening else {}),
                    },
                    opening=opening,
                    events=grid.paths.events(*at) if grid.tensorboard else None,
                    ahead=grid.ahead,
                )


def _is_done(cell: Cell) -> bool:
    played = read_curve(cell.path, cell.stamp)
    if played is None or not played.rows:
        return False
    return len(played.rows) > cell.protocol.rounds or len(played.queries) == len(cell.split.train)


def _curve(cell: Cell, task: Task, paths: ComparisonPaths) -> Curve:
    played = read_curve(cell.path)
    assert played is not None  # it was played just now, or before
    return Curve(
        task=task,
        split=cell.split.digest(),
        strategy=cell.entrant.name,
        seed=cell.seed,
        played=first_rounds(played, cell.protocol.rounds),
        path=cell.path.relative_to(paths.root).as_posix(),
    )
