import json

import pandas as pd
import pytest
from torch import optim

from classification.compare import ActiveLearningComparison
from classification.comparison.curves import read_curve
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths
from classification.query import ActiveLearningSampler
from classification.query.strategy import BaseSampler

from .images import Bars, pictures
from .test_end_to_end import Small


class Last(BaseSampler):
    """A strategy of one's own."""

    def sample(self, pool, n, rng):
        return pool.unlabelled[-n:]


QUERIES = [
    {"name": "margin", "func": "margin"},
    {"name": "mix", "func": ActiveLearningSampler(score="entropy", passive_learning=0.5)},
    {"name": "last", "func": Last()},
]


def make(folder, **fields):
    given = {
        "epochs": 2,
        "learning_rate": 3e-3,
        "query_size": 6,
        "seed_percent": 0.15,
        "query_types": QUERIES,
        "batch_size": 8,
        "folder": folder,
    }
    return ActiveLearningComparison(Bars(), None, Small, "adam", **(given | fields))


def test_every_call_trains_and_queries_one_round_for_all_from_the_same_start(tmp_path):
    runner = make(tmp_path, run_id=7)
    assert runner.q_names == ["random", "margin", "mix", "last"]
    assert runner.train_iter == 0
    for number in range(2):
        table = runner.run_train_and_query()
        assert runner.train_iter == number + 1
        assert len(table) == 4 * (number + 1)
    assert runner.save_loc.endswith("000007")
    assert table.groupby("round")["num_labels"].unique().map(list).tolist() == [[9], [15]]
    paths = ComparisonPaths(tmp_path / "000007")
    curves = [read_curve(paths.cell("bars Small", name, 0)) for name in runner.q_names]
    assert len({tuple(curve.queries[:9]) for curve in curves}) == 1
    assert curves[3].queries[9:] == list(range(54, 60))
    assert all(len(curve.pending) == 6 for curve in curves)
    assert pd.read_parquet(paths.results)["successor_macro_f1"].notna().sum() == 4


def test_it_goes_on_where_it_was_stopped_and_never_trains_twice(tmp_path):
    make(tmp_path).run_train_and_query()
    again = make(tmp_path)
    assert again.train_iter == 1
    table = again.run_train_and_query()
    other = make(tmp_path, run_id="straight")
    other.run_train_and_query()
    scores = ["strategy", "round", "accuracy", "macro_f1"]
    assert table[scores].equals(other.run_train_and_query()[scores])


def test_validation_runs_say_what_training_is_worth_by_epoch_and_class(tmp_path):
    runner = make(tmp_path, query_types=QUERIES[:1])
    with pytest.raises(FieldmarkError, match="call run_train_and_query"):
        runner.run_validation(iterations=1)
    runner.run_train_and_query()
    record = runner.run_validation(iterations=2, epochs=3, log_freq=2)
    assert record == json.loads((tmp_path / "000001" / "val-results.json").read_text())
    assert len(record["runs"]) == 2 * 2
    run = record["runs"][0]
    assert [entry["epoch"] for entry in run["epochs"]] == [2, 3]
    assert run["epochs"][-1]["test_accuracy"] == pytest.approx(run["accuracy"])
    assert set(run["recall"]) == set(Bars.classes)
    assert runner.run_validation(iterations=2, epochs=3, log_freq=2) == record
    assert len(runner.run_validation(iterations=3, epochs=3)["runs"]) == 6


def test_another_run_starts_from_the_same_labels(tmp_path):
    first = make(tmp_path, run_id=1, query_types=QUERIES[:1])
    first.run_train_and_query()
    second = make(
        tmp_path, run_id=2, query_types=QUERIES[2:], load_from_another_seed=1, seed_size=5
    )
    second.run_train_and_query()
    curves = [
        read_curve(ComparisonPaths(tmp_path / run).cell("bars Small", name, 0))
        for run, name in (("000001", "margin"), ("000002", "last"))
    ]
    assert curves[0].queries == curves[1].queries
    with pytest.raises(FieldmarkError, match="has no round of bars Small with seed 4"):
        make(tmp_path, run_id=3, load_from_another_seed=1, seeds=(4,))


def test_datasets_one_by_one_and_classes_of_torch(tmp_path):
    runner = ActiveLearningComparison(
        pictures(30),
        pictures(12, seed=1),
        Small,
        optim.SGD,
        epochs=1,
        query_percent=0.1,
        initial_class_sample=2,
        scheduler=optim.lr_scheduler.ReduceLROnPlateau,
        scheduler_type="train_acc",
        query_types=[],
        folder=tmp_path,
    )
    table = runner.run_train_and_query()
    assert table["task"].tolist() == ["arrayimages"]
    assert table["num_labels"].tolist() == [6]


def test_curves_are_played_by_several_processes(tmp_path):
    table = make(tmp_path, processes=2, query_types=QUERIES[:1]).run_train_and_query()
    assert len(table) == 2


def test_what_cannot_be_used_is_said_at_once(tmp_path):
    with pytest.raises(FieldmarkError, match="optimizer 'sdg' is unknown; allowed: adamw"):
        ActiveLearningComparison(Bars(), None, Small, "sdg", folder=tmp_path)
    with pytest.raises(FieldmarkError) as caught:
        make(tmp_path, query_types=[{"name": "x"}, *QUERIES[:1] * 2], seeds=())
    for words in ("has no func", "two query_types are called 'margin'", "seeds is empty"):
        assert words in str(caught.value)
    with pytest.raises(FieldmarkError, match="test is missing"):
        ActiveLearningComparison(pictures(9), None, Small, folder=tmp_path)
    make(tmp_path).run_train_and_query()
    with pytest.raises(FieldmarkError, match="Give another run_id"):
        ActiveLearningComparison(Bars(), None, "resnet20", folder=tmp_path)
    with pytest.raises(FieldmarkError, match="is a result of other"):
        make(tmp_path, learning_rate=0.5).run_train_and_query()
