from dataclasses import replace

import numpy as np
import pytest

from classification.comparison.play import Entrant, Protocol, play
from classification.comparison.task import split_task
from classification.errors import FieldmarkError

from .tasks import make_task

SHORT = Protocol(start=8, batch=8, rounds=3)


def test_no_location_is_on_both_sides_and_four_seeds_test_everything_once():
    task = make_task()
    tested = []
    for seed in range(4):
        split = split_task(task, seed)
        assert not set(task.units[split.train]) & set(task.units[split.test])
        tested += split.test.tolist()
    assert sorted(tested) == list(range(len(task.labels)))
    assert split_task(task, 4).digest() != split_task(task, 0).digest()
    assert split_task(task, 2).digest() == split_task(task, 2).digest()


def test_too_few_locations_are_named():
    with pytest.raises(FieldmarkError, match="made has 2 locations or bursts; 4 or more"):
        split_task(make_task(40), 0)


def test_a_curve_has_a_row_per_round_and_labels_nothing_twice():
    task = make_task()
    split = split_task(task, 0)
    played = play(task, split, Entrant(name="m", strategy="margin"), SHORT, seed=0)
    assert [row["num_labels"] for row in played.rows] == [8, 16, 24, 32]
    assert len(set(played.queries)) == 32
    assert set(played.queries) <= set(split.train.tolist())
    assert played.rows[-1]["macro_f1"] > 0.5
    assert "successor_macro_f1" in played.rows[-1]
    assert "successor_macro_f1" not in played.rows[0]


def test_all_strategies_start_from_the_same_labels_unless_each_opens_itself():
    task = make_task()
    split = split_task(task, 1)
    openings = {}
    for cold in (False, True):
        protocol = replace(SHORT, cold=cold)
        first = [
            play(task, split, Entrant(name=n, strategy=n), protocol, seed=5).queries[:8]
            for n in ("random", "kcenter")
        ]
        openings[cold] = first[0] == first[1]
    assert openings == {False: True, True: False}


def test_the_same_seed_plays_the_same_curve():
    task = make_task()
    entrant = Entrant(name="m", strategy="margin", options={"per_group": 1})
    runs = [play(task, split_task(task, 0), entrant, SHORT, seed=3) for _ in range(2)]
    assert runs[0].queries == runs[1].queries
    assert len(set(task.bursts[runs[0].queries[8:16]].tolist())) == 8


def test_a_pool_that_runs_empty_ends_the_curve():
    task = make_task(48, burst=2)
    split = split_task(task, 0)
    played = play(
        task, split, Entrant(name="r", strategy="random"), replace(SHORT, rounds=50), seed=0
    )
    assert played.rows[-1]["num_labels"] == len(split.train)
    assert np.isfinite([row["macro_f1"] for row in played.rows]).all()
