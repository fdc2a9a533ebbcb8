"""All strategies, seeds and datasets of a comparison: in parallel, and resumable round by round."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.comparison.curves import (
    Curve,
    CurveFile,
    described,
    first_rounds,
    read_curve,
    write_tables,
)
from classification.comparison.play import Entrant, Played, Protocol, play
from classification.comparison.task import Split, Task, split_task
from classification.comparison.watching import TensorBoard, Watcher
from classification.data.parallel import follow_parent
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One strategy on one split of one dataset; what a comparison is made of."""

    task: str
    entrant: Entrant
    seed: int
    split: Split
    protocol: Protocol
    path: Path
    """Record of the curve."""
    stamp: dict[str, Any]
    """What the result rests on: a result of another stamp is not mixed with these."""
    opening: tuple[int, ...] = ()
    """First labels that were drawn elsewhere; none: drawn here."""
    events: Path | None = None
    """Folder for TensorBoard."""
    ahead: bool = False
    """The last round chooses, too."""


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
    _play_all(missing, tasks, processes)
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


class _Log:
    """Standard error of a process that works beside others: no place for progress bars."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def isatty(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


_TASKS: dict[str, Task] = {}  # of a worker process, sent once


def _start(tasks: Sequence[Task]) -> None:
    from threadpoolctl import threadpool_limits

    follow_parent()
    sys.stderr = _Log(sys.stderr)
    threadpool_limits(1)  # one core per cell: cells are many
    if any(task.learner for task in tasks):
        import torch

        torch.set_num_threads(1)
    _TASKS.update({task.title: task for task in tasks})


def _play_cell(cell: Cell) -> None:
    _play(cell, _TASKS[cell.task])


def _play(cell: Cell, task: Task) -> None:
    """Play on from what the record holds; the record is replaced after every round."""
    begun = read_curve(cell.path, cell.stamp) or Played(pending=list(cell.opening))
    watcher: Watcher = Watcher()
    if cell.events is not None:
        epochs = 0 if task.learner is None else task.learner.epochs
        watcher = TensorBoard(cell.events, begun=len(begun.rows), epochs=epochs)
    try:
        play(
            task,
            cell.split,
            cell.entrant,
            cell.protocol,
            seed=cell.seed,
            begun=begun,
            keep=CurveFile(cell.path, cell.stamp, rounds=cell.protocol.rounds).keep,
            watcher=watcher,
            ahead=cell.ahead,
        )
    finally:
        watcher.close()


def _play_all(cells: Sequence[Cell], tasks: Sequence[Task], processes: int) -> None:
    from tqdm import tqdm

    bar = tqdm(total=len(cells), desc="compare", unit="curve", disable=None)
    if not processes:
        by_title = {task.title: task for task in tasks}
        with bar:
            for cell in cells:
                _play(cell, by_title[cell.task])
                bar.update()
        return
    context = get_context("forkserver")
    with (
        bar,
        ProcessPoolExecutor(processes, context, initializer=_start, initargs=(tasks,)) as executor,
    ):
        jobs = [executor.submit(_play_cell, cell) for cell in cells]
        try:
            for job in as_completed(jobs):
                job.result()
                bar.update()
        except BrokenProcessPool:
            raise FieldmarkError(
                f"one of {processes} processes was killed, most likely because memory ran out. "
                "What was played is kept: run the same command again with fewer --processes."
            ) from None
        except BaseException:
            executor.shutdown(cancel_futures=True)
            raise


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
