"""Which labels a round learns from and is measured on, and how its questions are answered."""

from dataclasses import replace
from typing import TYPE_CHECKING

from classification.data.dataset import Dataset
from classification.files import read_json
from classification.labelling.flags import flagged_items, kept_items
from classification.labelling.judged import judged_table, kept_aside, with_judged_labels
from classification.labelling.oracle import answer
from classification.labelling.people import ask_people, overlap_of
from classification.labelling.store import LabelStore
from classification.labelling.timelapse.exchange import Request
from classification.labelling.training_set import class_ids, training_table, with_new_classes
from classification.learning.fit import Bench
from classification.paths import RoundPaths
from classification.paths.labels import TimelapsePaths
from classification.schemas import JudgedTable, QueryTable, TrainTable, read_csv, write_csv

if TYPE_CHECKING:
    import pandas as pd


def read_query(paths: RoundPaths) -> list[str]:
    """The items a round asked for, best first."""
    return read_csv(paths.query, QueryTable, what="query")["path"].tolist()


def unasked(bench: Bench, store: LabelStore) -> bool:
    """Whether the pool holds items, as after a run that asked for all of them and then grew."""
    items, answered = bench.dataset.paths, store.current().keys() | kept_items(store)
    if bench.config.labels.source != "oracle":
        answered |= _known_labels(bench.dataset).keys()
    return any(items[i] not in answered for i in bench.dataset.rows("train"))


def collect_labels(bench: Bench, store: LabelStore, query: list[str], *, round_number: int) -> int:
    """Get labels from the oracle or from people; how many queries still wait."""
    labels = bench.config.labels
    if labels.source == "oracle":
        answer(store, query, _known_labels(bench.dataset), round_number=round_number)
    request = Request(
        items=bench.dataset.shown,
        query=query,
        round=round_number,
        classes=_classes_before(bench, round_number + 1),
        annotator=labels.annotator,
        accept_new=labels.new_classes == "accept",
        overlap=overlap_of(labels),
    )
    return ask_people(store, labels, request, TimelapsePaths(bench.paths.root))


def _classes_before(bench: Bench, number: int) -> tuple[str, ...]:
    """Classes that the run knew when round `number` began: new ones are appended as they come."""
    if number == 0:
        return bench.dataset.classes
    return tuple(read_json(bench.paths.round(number - 1).metrics, what="metrics")["classes"])


def materials(bench: Bench, store: LabelStore, paths: RoundPaths) -> "tuple[Bench, pd.DataFrame]":
    """The bench as the round sees it, and the table it learns from.

    The bench has the classes of the round and the labels that people gave to what it is measured
    on. Both tables are those the round began with, if it did: labels and flags that came since
    belong to the next.

    Raises:
        FieldmarkError: labels that are no classes.
    """
    import pandas as pd

    judged = _judged_of_round(bench.dataset, store, paths)
    bench = replace(bench, dataset=kept_aside(bench.dataset, judged))
    train = _labels_of_round(bench, store, paths)
    named = pd.concat([train, judged[judged["label"].notna()]])
    classes = _classes_before(bench, paths.number)
    if bench.config.labels.new_classes == "accept":
        classes = with_new_classes(classes, named)
    class_ids(named, classes)
    dataset = with_judged_labels(replace(bench.dataset, classes=classes), judged)
    return replace(bench, dataset=dataset), train


def measured_dataset(dataset: Dataset, paths: RoundPaths) -> Dataset:
    """A dataset with what people had said of its val and test items when a round began."""
    return with_judged_labels(dataset, _read_judged(dataset, paths))


def _judged_of_round(dataset: Dataset, store: LabelStore, paths: RoundPaths) -> "pd.DataFrame":
    """Written before the table of `_labels_of_round`, whose being there says that both are."""
    if not paths.train.exists():
        table = judged_table(dataset, store.current(), flagged_items(store))
        paths.judged.unlink(missing_ok=True)
        if len(table):
            write_csv(paths.judged, table, JudgedTable)
    return _read_judged(dataset, paths)


def _read_judged(dataset: Dataset, paths: RoundPaths) -> "pd.DataFrame":
    if not paths.judged.exists():
        return judged_table(dataset, {}, {})
    return read_csv(paths.judged, JudgedTable, what="table of what is measured on")


def _labels_of_round(bench: Bench, store: LabelStore, paths: RoundPaths) -> "pd.DataFrame":
    if not paths.train.exists():
        known = _known_labels(bench.dataset) if bench.config.labels.source != "oracle" else {}
        items = bench.dataset.paths
        pool = {items[i] for i in bench.dataset.rows("train")}  # val and test are never learned
        decisions = {item: d for item, d in store.current().items() if item in pool}
        table = training_table(known, decisions, before_round=paths.number)
        write_csv(paths.train, table, TrainTable)
    return read_csv(paths.train, TrainTable, what="training table")


def _known_labels(dataset: Dataset) -> dict[str, str]:
    """Label of each train item that the table holds one for."""
    rows, paths = dataset.rows("train", labelled=True), dataset.paths
    return {paths[i]: dataset.classes[dataset.labels[i]] for i in rows}
