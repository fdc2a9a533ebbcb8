"""Curves of a comparison, played one by one or by several processes at the same time."""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from classification.comparison.curves import CurveFile, read_curve
from classification.comparison.play import Entrant, Played, Protocol, play
from classification.comparison.task import Split, Task
from classification.comparison.watching import TensorBoard, Watcher
from classification.data.parallel import follow_parent
from classification.errors import FieldmarkError


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


def play_cells(cells: Sequence[Cell], tasks: Sequence[Task], processes: int) -> None:
    """Play these curves, each with the task of its title; a record is replaced after every round.

    Args:
        cells: what to play.
        tasks: the datasets.
        processes: curves at the same time; 0: one, in this process.

    Raises:
        FieldmarkError: a process was killed, or whatever a strategy cannot use.
    """
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
