import json

import pandas as pd
import pytest

from classification.comparison.curves import CurveFile, first_rounds, read_curve, write_curve
from classification.comparison.grid import play_grid
from classification.comparison.play import Entrant, Played, Protocol, play
from classification.comparison.task import split_task
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths
from classification.schemas import RecallTable, ResultTable, check

from .tasks import make_task

MARGIN = Entrant(name="margin", strategy="margin")
PROTOCOL = Protocol(start=8, batch=8, rounds=3)


def timeless(played):
    """A curve without its times."""
    rows = [{k: v for k, v in row.items() if "seconds" not in k} for row in played.rows]
    return rows, played.queries, played.recall


def test_a_curve_stopped_after_any_round_ends_the_same(tmp_path):
    task = make_task()
    split, path = split_task(task, 0), tmp_path / "curve.json"
    kept = []
    whole = play(task, split, MARGIN, PROTOCOL, seed=1, keep=kept.append)
    assert [len(played.rows) for played in kept] == [1, 2, 3, 4]
    for played in kept:
        write_curve(path, played, {})
        begun = read_curve(path)
        assert timeless(play(task, split, MARGIN, PROTOCOL, seed=1, begun=begun)) == timeless(whole)


def test_more_rounds_go_on_from_a_whole_curve_and_fewer_are_its_beginning():
    task = make_task()
    split = split_task(task, 0)
    short, long = (
        play(task, split, MARGIN, Protocol(start=8, batch=8, rounds=n), seed=1) for n in (1, 3)
    )
    more = play(task, split, MARGIN, PROTOCOL, seed=1, begun=short)
    assert more.queries == long.queries
    assert first_rounds(long, 1).queries == short.queries


def test_the_first_labels_can_be_so_many_of_each_class_or_come_from_elsewhere():
    task = make_task()
    split = split_task(task, 0)
    played = play(task, split, MARGIN, Protocol(start_per_class=4, rounds=0), seed=1)
    assert sorted(task.labels[played.queries]) == [0] * 4 + [1] * 4 + [2] * 4
    given = Played(pending=[int(i) for i in split.train[:5]])
    elsewhere = play(task, split, MARGIN, Protocol(rounds=0), seed=1, begun=given)
    assert elsewhere.queries == given.pending


def test_a_broken_record_and_one_of_another_stamp_are_told(tmp_path):
    path = tmp_path / "cells" / "a" / "b" / "0.json"
    write_curve(path, Played(), {"data": "x"})
    with pytest.raises(FieldmarkError, match="is a result of other data"):
        read_curve(path, {"data": "y"})
    path.write_text('{"stamp": ')
    with pytest.raises(FieldmarkError, match="result of a comparison"):
        read_curve(path)


def test_records_of_earlier_versions_have_the_recall_of_the_last_round_only(tmp_path):
    path = tmp_path / "0.json"
    row = {"round": 0, "num_labels": 2, "macro_f1": 0.5}
    old = {"stamp": {}, "rows": [row, row], "queries": [1, 2], "recall": [0.5, None]}
    path.write_text(json.dumps(old))
    played = read_curve(path)
    assert played.recall == [[], [0.5, None]]


def test_both_tables_follow_their_schemas(tmp_path):
    paths, task = ComparisonPaths(tmp_path), make_task()
    play_grid(
        [task],
        [Entrant(name="random", strategy="random"), MARGIN],
        protocols={task.title: PROTOCOL},
        seeds=range(2),
        paths=paths,
        processes=0,
    )
    results = check(pd.read_parquet(paths.results), ResultTable, what="results")
    recall = check(pd.read_parquet(paths.recall), RecallTable, what="recall")
    assert len(results) == 2 * 2 * 4
    assert len(recall) == len(results) * 3
    assert (paths.root / results["curve"][0]).exists()
    per_round = recall.groupby(["strategy", "seed", "round"])
    mean = per_round["recall"].mean()
    table = results.set_index(["strategy", "seed", "round"])
    assert table["balanced_accuracy"].to_numpy() == pytest.approx(mean[table.index].to_numpy())
    assert (per_round["queried"].sum()[table.index] == table["num_labels"]).all()


def test_a_record_is_written_when_a_second_would_be_lost_and_at_the_end(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("classification.comparison.curves.time.monotonic", lambda: now[0])
    path = tmp_path / "0.json"
    file = CurveFile(path, {}, rounds=2)
    rows = [{"round": i, "num_labels": i + 1} for i in range(3)]
    file.keep(Played(rows=rows[:1], pending=[1]))
    assert not path.exists()
    now[0] = 1.5
    file.keep(Played(rows=rows[:2], pending=[1]))
    assert len(read_curve(path).rows) == 2
    file.keep(Played(rows=rows))
    assert len(read_curve(path).rows) == 3
