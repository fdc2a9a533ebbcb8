import json
from dataclasses import replace

import numpy as np
import pytest

from classification.comparison.grid import play_grid
from classification.comparison.play import Entrant, Protocol
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths
from classification.query import ActiveLearningSampler

from .tasks import make_task

RANDOM, MARGIN = (Entrant(name=n, strategy=n) for n in ("random", "margin"))


def run(folder, *, entrants=(RANDOM, MARGIN), task=None, rounds=2, seeds=(0, 1), batch=6):
    task = task or make_task(120)
    return play_grid(
        [task],
        entrants,
        protocols={task.name: Protocol(start=6, batch=batch, rounds=rounds)},
        seeds=seeds,
        paths=ComparisonPaths(folder),
        processes=1,
    )


def test_every_curve_is_in_the_table_and_a_second_run_plays_nothing_again(tmp_path):
    table = run(tmp_path)
    assert len(table) == 2 * 2 * 3
    assert set(table["strategy"]) == {"random", "margin"}
    cells = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("cells/**/*.json")}
    more = run(tmp_path, entrants=(RANDOM, MARGIN, Entrant(name="e", strategy="entropy")))
    assert len(more) == 3 * 2 * 3
    assert {p: p.stat().st_mtime_ns for p in cells} == cells
    same = more[more["strategy"] != "e"].reset_index(drop=True)
    assert sorted(same["macro_f1"]) == sorted(table["macro_f1"])
    assert ComparisonPaths(tmp_path).results.exists()


def test_strategies_of_one_seed_share_split_and_first_labels(tmp_path):
    run(tmp_path)
    records = [json.loads(p.read_text()) for p in sorted(tmp_path.rglob("cells/**/0.json"))]
    assert records[0]["stamp"]["split"] == records[1]["stamp"]["split"]
    assert records[0]["queries"][:6] == records[1]["queries"][:6]


def test_results_of_other_data_or_another_protocol_are_not_mixed(tmp_path):
    run(tmp_path)
    with pytest.raises(FieldmarkError, match="is a result of other protocol"):
        run(tmp_path, batch=7)
    with pytest.raises(FieldmarkError, match="is a result of other data"):
        run(tmp_path, task=make_task(120, seed=1))
    again = Entrant(name="margin", strategy="margin", options={"per_group": 1})
    with pytest.raises(FieldmarkError, match="is a result of other options"):
        run(tmp_path, entrants=(RANDOM, again))
    other = Entrant(name="margin", strategy=ActiveLearningSampler(score="entropy"))
    with pytest.raises(FieldmarkError, match="is a result of other strategy"):
        run(tmp_path, entrants=(RANDOM, other))


def test_two_strategies_of_one_name_are_refused(tmp_path):
    with pytest.raises(FieldmarkError, match="names of their own; given: random, random"):
        run(tmp_path, entrants=(RANDOM, RANDOM))


def test_several_models_on_one_dataset_have_curves_of_their_own(tmp_path):
    task = make_task(120)
    models = [
        replace(task, model=name, model_in_title=True, embeddings=task.embeddings[:, :columns])
        for name, columns in (("small", 2), ("large", 6))
    ]
    protocols = {model.title: Protocol(start=6, batch=6, rounds=1) for model in models}
    rest = {"seeds": [0], "paths": ComparisonPaths(tmp_path), "processes": 0}
    table = play_grid(models, [RANDOM], protocols=protocols, **rest)
    scores = table.pivot_table(index="round", columns="model", values="macro_f1")
    assert (scores["small"] != scores["large"]).any()
    with pytest.raises(FieldmarkError, match="datasets need names of their own; given: made, made"):
        play_grid([task, task], [RANDOM], protocols=protocols, **rest)


def test_a_failing_strategy_keeps_what_was_played(tmp_path):
    bad = Entrant(name="bad", strategy="margin", options={"nothing": 1})
    with pytest.raises(FieldmarkError, match="has no option 'nothing'"):
        run(tmp_path, entrants=(RANDOM, bad), seeds=[0])
    assert np.isfinite(run(tmp_path, entrants=(RANDOM,), seeds=[0])["macro_f1"]).all()


def test_a_class_that_the_test_lacks_has_no_recall(tmp_path):
    task = make_task(120)
    only = task.units == task.units[0]
    task.labels[only] = 3  # a class of one location: in the pool or in the test, never in both
    run(tmp_path, task=replace(task, classes=(*task.classes, "rare")), seeds=range(4))
    records = [json.loads(p.read_text()) for p in tmp_path.rglob("cells/**/*.json")]
    assert any(record["recall"][-1][3] is None for record in records)
