"""Training anew on what strategies labelled: how much of a difference is luck in training."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from classification.comparison.curves import read_curve
from classification.comparison.end_to_end import EndToEnd, accuracy_of, keys
from classification.comparison.scoring import score
from classification.comparison.task import Task, split_task
from classification.errors import FieldmarkError
from classification.files import read_json, write_json
from classification.paths import ComparisonPaths

if TYPE_CHECKING:
    from torch import nn

    from classification.learning.finetune import Epoch

_APART = 1_000  # between the seeds of trainings in the rounds and of those here


def validate(
    task: Task,
    paths: ComparisonPaths,
    *,
    strategies: Sequence[str],
    seeds: Sequence[int],
    iterations: int,
    epochs: int | None,
    log_freq: int,
) -> dict[str, Any]:
    """Train on the labels of each strategy's last round; goes on with a record that is there.

    Returns:
        The record: ``task``, ``model``, ``classes`` and ``runs``, a list with strategy, seed,
        round, num_labels, iteration, accuracy, macro_f1, balanced_accuracy, recall (by class) and
        epochs, a list with epoch, loss, train_accuracy and test_accuracy.

    Raises:
        FieldmarkError: a strategy has no round yet.
    """
    record = {"task": task.name, "model": task.model, "classes": list(task.classes), "runs": []}
    if paths.validation.exists():
        record = read_json(paths.validation, what="record of validation runs")
    done = {_key(run) for run in record["runs"]}
    for strategy in strategies:
        for seed in seeds:
            played = read_curve(paths.cell(task.title, strategy, seed))
            if played is None or not played.rows:
                raise FieldmarkError(
                    f"{strategy!r} has no labels yet: call run_train_and_query() first"
                )
            for iteration in range(iterations):
                run: dict[str, Any] = {
                    "strategy": strategy,
                    "seed": seed,
                    "round": len(played.rows) - 1,
                    "num_labels": len(played.queries),
                    "iteration": iteration,
                    "max_epochs": epochs or _epochs(task),
                }
                if _key(run) in done:
                    continue
                run |= _train(task, played.queries, run, log_freq=log_freq)
                record["runs"].append(run)
                write_json(paths.validation, record)
    return record


def _key(run: dict[str, Any]) -> tuple[Any, ...]:
    names = ("strategy", "seed", "round", "num_labels", "iteration", "max_epochs")
    return tuple(run[name] for name in names)


def _epochs(task: Task) -> int:
    return 0 if task.learner is None else task.learner.epochs


def _train(
    task: Task, queries: Sequence[int], run: dict[str, Any], *, log_freq: int
) -> dict[str, Any]:
    """One training: its scores, and what it came to by epoch."""
    assert isinstance(task.learner, EndToEnd)  # `ActiveLearningComparison` trains end to end
    recipe = replace(task.learner.recipe, epochs=run["max_epochs"])
    learner, split = replace(task.learner, recipe=recipe), split_task(task, run["seed"])
    test, truth = keys(task, split.test), task.labels[split.test]
    log: list[dict[str, float]] = []

    def watch(epoch: "Epoch", network: "nn.Module") -> None:
        if epoch.number % log_freq and epoch.number != run["max_epochs"]:
            return
        entry = {"epoch": epoch.number, "loss": epoch.loss, "train_accuracy": epoch.accuracy}
        log.append(entry | {"test_accuracy": accuracy_of(network, engine.inputs, test, truth)})

    seed = run["seed"] + _APART * (run["iteration"] + 1)
    engine = learner.engine(task, split, seed=seed, watch=watch)
    rows = np.sort(np.array(queries, dtype=np.intp))
    seen = engine.learn(rows, task.labels[rows], len(task.classes))
    assert seen.probs is not None  # there are labels
    scores, recall = score(truth, seen.probs[split.test], len(task.classes))
    return {**scores, "recall": dict(zip(task.classes, recall, strict=True)), "epochs": log}
