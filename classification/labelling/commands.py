"""What label.py does: labels of a run out, in, and how they stand."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from classification.config import RunConfig
from classification.data.dataset import read_classes
from classification.data.table import read_table
from classification.errors import FieldmarkError
from classification.files import read_json
from classification.labelling.exports import write_labels_cct, write_ledger, write_species
from classification.labelling.flags import kept_items
from classification.labelling.imports import Frame, import_labels
from classification.labelling.label_table import (
    fill_label_dataframe,
    prep_label_dataframe,
    save_label_dataframe,
)
from classification.labelling.options import ExportOptions, ImportOptions, StatusOptions
from classification.labelling.people import overlap_of
from classification.labelling.status import Query, status_lines
from classification.labelling.store import LabelStore
from classification.labelling.timelapse.exchange import (
    SUCCESS,
    Request,
    take_in_new,
    wait_for_file,
    write_problems,
)
from classification.labelling.timelapse.returned import not_returned
from classification.paths import DatasetPaths, RunPaths
from classification.paths.labels import TimelapsePaths
from classification.schemas import QueryTable, read_csv

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 10


def export_labels(options: ExportOptions, config: RunConfig) -> None:
    """Write the labels of a run in the form asked for."""
    run = RunPaths(options.config.parent)
    store, output = _store(run, config), options.output
    if options.format == "ledger":
        count = write_ledger(output, store.history())
    elif options.format == "csv":
        count = write_ledger(output, store.current().values())
    elif options.format == "timelapse":
        count = write_species(output, store.current())
    else:
        table = read_table(DatasetPaths(Path(config.data.dir)).table)
        if options.format == "cct":
            count = write_labels_cct(
                output, store.current(), table, description=f"labels of {run.root}"
            )
        else:
            blank = prep_label_dataframe(table["path"].tolist(), _classes(run, config))
            filled = fill_label_dataframe(blank, store.current(), validation=kept_items(store))
            save_label_dataframe(output, filled)
            count = len(filled)
    print(f"{count} rows: {output}")


def import_files(options: ImportOptions, config: RunConfig) -> None:
    """Take labels in; rows that cannot be taken are listed beside the run.

    Raises:
        FieldmarkError: a file cannot be read, or some rows were not taken.
    """
    labels = config.labels
    labels = replace(
        labels,
        annotator=options.annotator or labels.annotator,
        new_classes=options.new_classes or labels.new_classes,
    )
    config = replace(config, labels=labels)
    if options.files:
        _import_named(list(options.files), RunPaths(options.config.parent), config)
    else:
        _import_returned(RunPaths(options.config.parent), config, watch=options.watch)


def print_status(options: StatusOptions, config: RunConfig) -> None:
    """Print how labelling stands."""
    run = RunPaths(options.config.parent)
    number = _newest(run)
    query = None
    if number >= 0:
        asked = Query(round=number, items=_query(run, number), overlap=overlap_of(config.labels))
        query = asked
    print("\n".join(status_lines(_store(run, config), query)))


def _import_named(files: list[Path], run: RunPaths, config: RunConfig) -> None:
    import pandas as pd

    table = read_table(DatasetPaths(Path(config.data.dir)).table)
    frame = Frame(
        items=table["path"].tolist(),
        annotations=dict(zip(table["annotation_id"], table["path"], strict=True)),
        classes=_classes(run, config),
        accept_new=config.labels.new_classes == "accept",
        annotator=config.labels.annotator,
        round=_newest(run),
    )
    store, lists = _store(run, config), []
    for path in files:
        found = import_labels(store, path, frame)
        print(f"{path}: {found.added} labels taken, {found.known} known already")
        for note in found.notes:
            print(f"  {note}")
        lists.append(found.problems.assign(file=str(path)))
    problems = pd.concat(lists)
    _report(problems, TimelapsePaths(run.root).problems)


def _report(problems: "pd.DataFrame", path: Path) -> None:
    write_problems(path, problems)
    if problems.empty:
        print(SUCCESS)
        return
    lines = [f"{r.file}, row {r.row}: {r.problem}" for r in problems.head(_SHOWN).itertuples()]
    raise FieldmarkError.from_problems(
        f"{len(problems)} rows were not taken (all of them: {path}); the others were. Correct "
        "them and import the file again:",
        lines,
    )


def _import_returned(run: RunPaths, config: RunConfig, *, watch: bool) -> None:
    paths, number = TimelapsePaths(run.root), _newest(run)
    if number < 0:
        raise FieldmarkError(f"{run.root} has asked for nothing yet; run classification/train.py")
    store = _store(run, config)
    request = Request(
        items=read_table(DatasetPaths(Path(config.data.dir)).table)["path"].tolist(),
        query=_query(run, number),
        round=number,
        classes=_classes(run, config),
        annotator=config.labels.annotator,
        accept_new=config.labels.new_classes == "accept",
        overlap=overlap_of(config.labels),
    )
    if watch:
        print(f"waiting for a CSV with a Species column in {paths.returned}", flush=True)
        wait_for_file(paths, store, request)
    lines = take_in_new(store, request, paths)
    if not lines:
        raise FieldmarkError.from_problems(
            f"no new CSV with the columns File, RelativePath and Species in {paths.returned}; "
            "export it there from Timelapse, or name a file",
            not_returned(paths.returned),
        )
    print("\n".join(lines))


def _store(run: RunPaths, config: RunConfig) -> LabelStore:
    if not run.config.exists():
        raise FieldmarkError(f"{run.root} is no run: there is no {run.config.name}")
    return LabelStore(config.labels.store or run.labels)


def _newest(run: RunPaths) -> int:
    """Number of the newest complete round, whose query is open; -1 before the first."""
    done = run.complete_rounds()
    return done[-1] if done else -1


def _query(run: RunPaths, number: int) -> list[str]:
    return read_csv(run.round(number).query, QueryTable, what="query")["path"].tolist()


def _classes(run: RunPaths, config: RunConfig) -> tuple[str, ...]:
    """Classes of the newest round; before the first those of the dataset."""
    number = _newest(run)
    if number < 0:
        return read_classes(DatasetPaths(Path(config.data.dir)).label_index)
    return tuple(read_json(run.round(number).metrics, what="metrics")["classes"])
