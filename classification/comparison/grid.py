"""All strategies, seeds and datasets of a comparison: in parallel, and resumable cell by cell."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from classification.comparison.play import Entrant, Played, Protocol, play
from classification.comparison.task import Split, Task, split_task
from classification.errors import FieldmarkError
from classification.files import atomic_path, read_json, write_json
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
    stamp: dict[str, Any]
    """What the result rests on: a result of another stamp is not mixed with these."""


def play_grid(
    tasks: Sequence[Task],
    entrants: Sequence[Entrant],
    *,
    protocols: Mapping[str, Protocol],
    seeds: Sequence[int],
    paths: ComparisonPaths,
    processes: int,
) -> "pd.DataFrame":
    """Play what is not there yet; every finished cell is a file.

    Args:
        tasks: the datasets.
        entrants: the strategies; names must differ.
        protocols: by name of the dataset.
        seeds: each gives a split, first labels and every later random choice, the same for all.
        paths: folder of the results.
        processes: cells played at the same time, one core each.

    Returns:
        One row per dataset, strategy, seed and round: task, strategy, seed, and `Played.rows`.

    Raises:
        FieldmarkError: two entrants of one name, or a folder with results of other data, another
            split, other options or another protocol.
    """
    names = [entrant.name for entrant in entrants]
    if len(set(names)) < len(names):
        raise FieldmarkError(f"strategies need names of their own; given: {', '.join(names)}")
    cells = list(_cells(tasks, entrants, protocols, seeds))
    missing = [cell for cell in cells if not _is_done(cell, paths)]
    _play_all(missing, tasks, paths, processes)
    table = _collect(cells, paths)
    with atomic_path(paths.results) as temporary:
        table.to_parquet(temporary, index=False)
    return table


def _cells(
    tasks: Sequence[Task],
    entrants: Sequence[Entrant],
    protocols: Mapping[str, Protocol],
    seeds: Sequence[int],
) -> Iterable[Cell]:
    for task in tasks:
        digest, protocol = task.digest(), protocols[task.name]
        for seed in seeds:
            split = split_task(task, seed)
            for entrant in entrants:
                stamp = {
                    "data": digest,
                    "split": split.digest(),
                    "protocol": asdict(protocol),
                    "options": {key: str(value) for key, value in entrant.options.items()},
                }
                yield Cell(
                    task=task.name,
                    entrant=entrant,
                    seed=seed,
                    split=split,
                    protocol=protocol,
                    stamp=stamp,
                )


def _is_done(cell: Cell, paths: ComparisonPaths) -> bool:
    path = paths.cell(cell.task, cell.entrant.name, cell.seed)
    if not path.exists():
        return False
    found = read_json(path, what="result of a comparison")["stamp"]
    changed = [key for key in cell.stamp if found.get(key) != cell.stamp[key]]
    if changed:
        raise FieldmarkError(
            f"{path} is a result of other {', '.join(changed)}; such results cannot stand in one "
            f"table. Use another folder, or delete {path.parent.parent.parent}."
        )
    return True


_TASKS: dict[str, Task] = {}  # of a worker process, sent once


def _start(tasks: Sequence[Task]) -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)  # one core per cell: cells are many
    _TASKS.update({task.name: task for task in tasks})


def _play_cell(cell: Cell) -> Played:
    return play(_TASKS[cell.task], cell.split, cell.entrant, cell.protocol, seed=cell.seed)


def _play_all(
    cells: Sequence[Cell], tasks: Sequence[Task], paths: ComparisonPaths, processes: int
) -> None:
    from tqdm import tqdm

    context = get_context("forkserver")
    with (
        ProcessPoolExecutor(processes, context, initializer=_start, initargs=(tasks,)) as executor,
        tqdm(total=len(cells), desc="compare", unit="curve", disable=None) as bar,
    ):
        jobs = {executor.submit(_play_cell, cell): cell for cell in cells}
        try:
            for job in as_completed(jobs):
                cell = jobs[job]
                record = {"stamp": cell.stamp, **asdict(job.result())}
                write_json(paths.cell(cell.task, cell.entrant.name, cell.seed), record)
                bar.update()
        except BaseException:
            executor.shutdown(cancel_futures=True)
            raise


def _collect(cells: Sequence[Cell], paths: ComparisonPaths) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for cell in cells:
        path = paths.cell(cell.task, cell.entrant.name, cell.seed)
        record = read_json(path, what="result of a comparison")
        at = {"task": cell.task, "strategy": cell.entrant.name, "seed": cell.seed}
        rows += [at | row for row in record["rows"]]
    return pd.DataFrame(rows)
