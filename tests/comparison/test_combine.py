import json
import shutil

import pandas as pd
import pytest

from classification.compare import main
from classification.comparison.combine import combine
from classification.comparison.curves import read_curve
from classification.comparison.grid import play_grid
from classification.comparison.play import Entrant, Protocol
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths

from .tasks import make_task


def played(folder, *strategies, seeds=(0, 1), task=None, rounds=1, **protocol):
    """A folder with results of strategies, each a name or an entrant."""
    task = task or make_task(120)
    entrants = [Entrant(name=s, strategy=s) if isinstance(s, str) else s for s in strategies]
    play_grid(
        [task],
        entrants,
        protocols={task.title: Protocol(**({"start": 6, "batch": 6, "rounds": rounds} | protocol))},
        seeds=seeds,
        paths=ComparisonPaths(folder),
        processes=0,
    )
    return folder


def test_what_two_machines_played_is_one_comparison(tmp_path, monkeypatch, capsys):
    first = played(tmp_path / "1", "random", "margin")
    second = played(tmp_path / "2", "random", "entropy")
    output = tmp_path / "both"
    words = ["compare.py", "--results", str(first), str(second), "--output", str(output)]
    monkeypatch.setattr("sys.argv", [*words, "--score", "accuracy"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "made: accuracy" in said
    assert "random: 2 curves are in several folders; those of the first one count" in said
    paths = ComparisonPaths(output)
    results = pd.read_parquet(paths.results)
    assert len(results) == 3 * 2 * 2
    assert not results.duplicated(["strategy", "seed", "round"]).any()
    recall = pd.read_parquet(paths.recall)
    assert len(recall) == len(results) * 3
    assert set(pd.read_csv(paths.summary)["strategy"]) == {"random", "margin", "entropy"}
    assert paths.report.exists()
    for row in results.itertuples():  # records are found from the new folder
        curve = read_curve(output / row.curve)
        assert curve is not None
        assert curve.rows[row.round]["macro_f1"] == row.macro_f1


def test_seeds_that_were_played_in_turn_are_put_together(tmp_path):
    folders = [played(tmp_path / str(seed), "random", "margin", seeds=[seed]) for seed in range(3)]
    found = combine(folders, tmp_path / "all")
    assert found.results.groupby("strategy")["seed"].nunique().tolist() == [3, 3]
    assert found.notes == []


def test_other_last_digits_of_another_machine_are_told(tmp_path):
    first, task = played(tmp_path / "1", "random"), make_task(120)
    task.embeddings[0, 0] += 1e-6
    second = played(tmp_path / "2", "random", "margin", task=task)
    notes = combine([first, second], tmp_path / "all").notes
    assert "made: embeddings or labels are not the same in all folders" in notes[1]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"task": make_task(130)}, "made, embeddings, seed 0: 2 different divisions"),
        ({"rounds": 2}, "'random' has 6 to 12 labels in 2 rounds, 'entropy' 6 to 18 labels in 3"),
        ({"batch": 7}, "were played by other protocol"),
        ({"inverse_penalty": 1.0}, "were played by other protocol"),
    ],
)
def test_results_of_another_kind_are_refused(tmp_path, other, said):
    first, second = played(tmp_path / "1", "random"), played(tmp_path / "2", "entropy", **other)
    with pytest.raises(FieldmarkError, match=said):
        combine([first, second], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_two_strategies_of_one_name_are_refused(tmp_path):
    first = played(tmp_path / "1", "random", Entrant(name="mine", strategy="margin"))
    second = played(tmp_path / "2", Entrant(name="mine", strategy="entropy"))
    with pytest.raises(FieldmarkError, match=r"'mine' is in .*1 and .*2 with other strategy; give"):
        combine([first, second], tmp_path / "all")
    limited = Entrant(name="random", strategy="random", options={"per_group": 1})
    third = played(tmp_path / "3", limited)
    with pytest.raises(FieldmarkError, match="with other options; give one of them another name"):
        combine([first, third], tmp_path / "all")


def test_tables_alone_will_do_where_nothing_is_doubtful(tmp_path):
    first = played(tmp_path / "1", "random", "margin")
    second = played(tmp_path / "2", "random", "entropy")
    shutil.rmtree(second / "cells")
    assert len(combine([first, second], tmp_path / "all").results) == 3 * 2 * 2
    table = pd.read_parquet(ComparisonPaths(second).results)
    table.loc[table["strategy"] == "random", "accuracy"] /= 2
    table.to_parquet(ComparisonPaths(second).results)
    with pytest.raises(FieldmarkError, match="other scores, and no record that says why"):
        combine([first, second], tmp_path / "all")
    ComparisonPaths(second).recall.unlink()
    table.loc[table["strategy"] != "random"].to_parquet(ComparisonPaths(second).results)
    assert combine([first, second], tmp_path / "all").recall is None


def test_a_folder_with_a_comparison_of_its_own_is_left_alone(tmp_path):
    first, second = played(tmp_path / "1", "random"), played(tmp_path / "2", "margin")
    before = ComparisonPaths(first).results.read_bytes()
    with pytest.raises(FieldmarkError, match="holds a comparison that was played; give --output"):
        combine([first, second], first)
    assert ComparisonPaths(first).results.read_bytes() == before
    with pytest.raises(FieldmarkError, match="no results of a comparison"):
        combine([tmp_path / "nowhere"], tmp_path / "all")


def test_the_record_says_where_results_came_from(tmp_path):
    first, second = played(tmp_path / "1", "random"), played(tmp_path / "2", "margin")
    ComparisonPaths(first).details.write_text(
        json.dumps({"options": {"datasets": ["data/made"]}, "classes": {"made": ["a", "b"]}})
    )
    combine([first, second], tmp_path / "all")
    record = json.loads(ComparisonPaths(tmp_path / "all").details.read_text())
    assert record["options"]["datasets"] == ["data/made"]
    assert record["options"]["folders"] == [str(first), str(second)]
    assert record["classes"] == {"made": ["a", "b"]}
