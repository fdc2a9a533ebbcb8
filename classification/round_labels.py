"""Which labels a round learns from, and how its questions are answered."""

from dataclasses import replace
from typing import TYPE_CHECKING

from classification.data.dataset import Dataset
from classification.files import read_json
from classification.labelling.oracle import answer
from classification.labelling.people import ask_people, overlap_of
from classification.labelling.store import LabelStore
from classification.labelling.timelapse.exchange import Request
from classification.labelling.training_set import training_table, with_new_classes
from classification.learning.fit import Bench
from classification.paths import RoundPaths
from classification.paths.labels import TimelapsePaths
from classification.schemas import QueryTable, TrainTable, read_csv, write_csv

if TYPE_CHECKING:
    import pandas as pd


def read_query(paths: RoundPaths) -> list[str]:
    """The items a round asked for, best first."""
    return read_csv(paths.query, QueryTable, what="query")["path"].tolist()


def unasked(bench: Bench, store: LabelStore) -> bool:
    """Whether the pool holds items, as after a run that asked for all of them and then grew."""
    items, answered = bench.dataset.paths, set(store.current())
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


def with_classes_of(bench: Bench, train: "pd.DataFrame", number: int) -> Bench:
    """The bench with the classes of round `number`."""
    classes = _classes_before(bench, number)
    if bench.config.labels.new_classes == "accept":
        classes = with_new_classes(classes, train)
    return replace(bench, dataset=replace(bench.dataset, classes=classes))


def labels_of_round(bench: Bench, store: LabelStore, paths: RoundPaths) -> "pd.DataFrame":
    """The table the round began with, if it did: labels that came since belong to the next."""
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
