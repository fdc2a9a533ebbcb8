"""One active-learning round, and the loop over rounds, resumable from files alone.

A round writes its folder in a fixed order and ``metrics.json`` last; the round is complete when
that file exists. Every random choice is drawn from (seed, round, purpose), so an interrupted round
that is played again gives the same files.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.config import changes_refused
from classification.data.dataset import Dataset
from classification.errors import FieldmarkError
from classification.evaluate import evaluate
from classification.files import read_json, write_json
from classification.labelling.judged import KEPT
from classification.labelling.store import LabelStore
from classification.labelling.training_set import class_ids
from classification.learning.fit import Bench, Fitted, embed_untrained, fit_round
from classification.learning.head import save_head
from classification.learning.model import Card
from classification.own_strategy import own_hash
from classification.paths import RoundPaths, RunPaths
from classification.predictions import write_predictions
from classification.provenance import provenance
from classification.round_labels import (
    collect_labels,
    materials,
    read_query,
    unasked,
)
from classification.schemas import QueryTable, write_csv
from classification.selection import Seen, check_query, choose, opens_with_embeddings
from classification.settings import read_fields, write_config

_BOOTSTRAP, _QUERY = 1, 2  # purposes of random numbers
_MEASURED = ("val", "test", KEPT)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a call of `run_rounds` ended."""

    completed: int
    """Number of the newest complete round; -1 if none."""
    waiting: int
    """Queries of that round that wait for a label."""
    finished: bool
    """All rounds are played, or nothing is left to query."""


def require_same_run(bench: Bench) -> None:
    """Refuse to go on with a run whose finished rounds rest on other data or settings.

    Raises:
        FieldmarkError: what differs, and what to do.
    """
    done = bench.paths.complete_rounds()
    if not done:
        return
    last = bench.paths.round(done[-1])
    changed = changes_refused(read_fields(last.config), bench.config)
    before = read_json(last.metrics, what="metrics")["data"]
    changed += [
        f"{name} of the dataset is another one than in round {done[-1]}"
        for name, digest in bench.dataset.hashes.items()
        if name != "test_split" and before.get(name) != digest  # people may label the test as well
    ]
    if changed:
        raise FieldmarkError.from_problems(
            f"{bench.paths.root} holds {len(done)} rounds that do not fit to this configuration. "
            "Undo the change, use another experiment folder, or start afresh with --no-resume "
            "(what is there is set aside):",
            changed,
        )


def run_rounds(bench: Bench, *, on_round: Callable[[int], None]) -> Outcome:
    """Play rounds until all are done or labels are missing.

    Args:
        bench: the run.
        on_round: called after each complete round, new or not yet reported.
    """
    check_query(bench.config.query)
    require_same_run(bench)
    store = LabelStore(bench.config.labels.store or bench.paths.labels)
    done = bench.paths.complete_rounds()
    for number in range(len(done), bench.config.rounds + 1):
        if number > 0:
            query = read_query(bench.paths.round(number - 1))
            if not query and not unasked(bench, store):
                return Outcome(completed=number - 1, waiting=0, finished=True)
            waiting = collect_labels(bench, store, query, round_number=number - 1)
            if waiting:
                return Outcome(completed=number - 1, waiting=waiting, finished=False)
        play_round(bench, store, number)
        on_round(number)
    return Outcome(completed=bench.config.rounds, waiting=0, finished=True)


def play_round(bench: Bench, store: LabelStore, number: int) -> None:
    """Train, evaluate, choose queries; write the round's folder."""
    paths = bench.paths.round(number)
    seconds: dict[str, float] = {}
    write_config(paths.config, bench.config)
    device = str(bench.inputs.device)
    bench, train = materials(bench, store, paths)
    dataset = bench.dataset
    hashes = dataset.hashes | own_hash(bench.config.query.strategy)
    write_json(paths.provenance, provenance(device=device, data=hashes))
    labels = np.full(len(dataset), -1, dtype=np.int64)
    labels[_positions(dataset, train["path"])] = class_ids(train, dataset.classes)
    with _timed(seconds, "train"):
        fitted = _fit(bench, labels, paths) if len(train) else None
    with _timed(seconds, "evaluate"):
        scores = {split: _evaluate(bench, fitted, split, number) for split in _MEASURED}
    with _timed(seconds, "query"):
        chosen = choose(
            dataset,
            bench.config.query,
            labels=labels,
            decided=store.current().keys(),
            seen=_seen(bench, fitted),
            rng=np.random.default_rng([bench.config.seed, number, _QUERY]),
        )
    write_csv(paths.query, chosen.table, QueryTable)
    counts = np.bincount(labels[labels >= 0], minlength=len(dataset.classes))
    metrics = {
        "round": number,
        "num_labels": len(train),
        "num_pool": chosen.remaining,
        "classes": list(dataset.classes),
        **scores,
        "num_measured": {split: len(dataset.rows(split, labelled=True)) for split in _MEASURED},
        "calibration": fitted.calibration.to_json() if fitted and fitted.calibration else None,
        "train_counts": dict(zip(dataset.classes, counts.tolist(), strict=True)),
        "train_locations": _counts(dataset.groups[labels >= 0]),
        "strategy": chosen.strategy,
        "num_queries": len(chosen.table),
        "seconds": seconds,
        "data": dataset.hashes,
    }
    write_json(paths.metrics, metrics)


def _fit(bench: Bench, labels: NDArray[np.int64], paths: RoundPaths) -> Fitted:
    """The round's model, written to its folder together with its predictions."""
    rows = np.flatnonzero(labels >= 0)
    previous = _previous_card(bench.paths, paths.number)
    fitted = fit_round(
        bench, rows=rows, labels=labels[rows], previous=previous, number=paths.number
    )
    save_head(paths.head, fitted.head)
    write_json(paths.model, fitted.card.to_json())
    dataset = bench.dataset
    write_predictions(
        paths.predictions,
        dataset.paths,
        fitted.probs,
        classes=dataset.classes,
        split=dataset.split,
        labels=dataset.table["label"],
        groups=dataset.groups,
    )
    return fitted


def _seen(bench: Bench, fitted: Fitted | None) -> Seen | None:
    """What the strategy may look at: the model, or the backbone alone where that helps."""
    if fitted is not None:
        return Seen(embeddings=fitted.embeddings, probs=fitted.probs, head=fitted.head)
    opens = opens_with_embeddings(bench.config.query)
    embeddings = embed_untrained(bench) if opens else None
    return None if embeddings is None else Seen(embeddings=embeddings)


def _counts(names: NDArray[np.str_]) -> dict[str, int]:
    found, counts = np.unique(names, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _positions(dataset: Dataset, items: Iterable[str]) -> NDArray[np.intp]:
    position = {path: i for i, path in enumerate(dataset.paths)}
    return np.array([position[item] for item in items], dtype=np.intp)


def _previous_card(run: RunPaths, number: int) -> Card | None:
    """The newest card before round `number`; early rounds may have no model."""
    for earlier in range(number - 1, -1, -1):
        path = run.round(earlier).model
        if path.exists():
            return Card.from_json(read_json(path, what="model card"), where=path)
    return None


def _evaluate(
    bench: Bench, fitted: Fitted | None, split: str, number: int
) -> dict[str, Any] | None:
    """Scores on the labelled items of a split, as JSON; None without model or items."""
    rows = bench.dataset.rows(split, labelled=True)
    if fitted is None or not len(rows):
        return None
    return evaluate(
        bench.dataset.labels[rows],
        fitted.probs[rows],
        classes=bench.dataset.classes,
        groups=bench.dataset.groups[rows],
        rng=np.random.default_rng([bench.config.seed, number, _BOOTSTRAP]),
        resamples=bench.config.bootstrap,
    ).to_json()


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[name] = round(time.perf_counter() - start, 3)
