import subprocess
import sys

import pandas as pd
import pytest

from classification.comparison.options import ComparisonRunOptions
from classification.comparison.tables import best_by_class, best_by_round, print_results
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths

from .made_results import made_results
from .test_plotter import record, training
from .test_report import made_recall, write

LEVELS = {"random": 0.3, "good": 0.4}


def test_the_best_seed_of_every_round_and_class_is_found():
    results = made_results(LEVELS, tasks="a")
    best = best_by_round(results)
    assert list(best.columns) == [20, 40, 60, 80, 100]
    chosen = results[(results["strategy"] == "good") & (results["num_labels"] == 60)]
    assert best.loc["good", 60] == chosen["accuracy"].max()
    recall = made_recall(LEVELS).assign(recall=[0.1, 0.2] * 40)
    table = best_by_class(recall).set_index(["task", "strategy", "label", "round"])
    assert table.loc[("a", "good", "fox", 3), "recall"] == 0.2


def test_results_are_printed_drawn_and_written(tmp_path, capsys):
    write(tmp_path, made_results(LEVELS), made_recall(LEVELS).assign(recall=None))
    print_results(ComparisonRunOptions(run=str(tmp_path)))
    shown = capsys.readouterr().out
    assert "a: best accuracy by round" in shown
    assert ComparisonPaths(tmp_path).figure("recall_b").exists()
    assert set(pd.read_csv(ComparisonPaths(tmp_path).best)["label"]) == {"deer", "fox"}


def test_a_comparison_without_classes_says_so(tmp_path):
    write(tmp_path, made_results(LEVELS))
    with pytest.raises(FieldmarkError, match=r"no recall of classes.*run compare\.py again"):
        print_results(ComparisonRunOptions(run=str(tmp_path)))


def test_a_run_is_found_by_its_id_and_a_wrong_one_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/comparison/800001").mkdir(parents=True)
    folder = ComparisonRunOptions(run="800001").folder
    assert folder.resolve() == tmp_path / "runs/comparison/800001"
    with pytest.raises(FieldmarkError, match="no comparison '800002'"):
        ComparisonRunOptions(run="800002").folder  # noqa: B018


@pytest.mark.parametrize("script", ["avg_validation_stats", "results_parser"])
def test_the_scripts_take_the_short_option(root, tmp_path, script):
    write(tmp_path, made_results(LEVELS, seeds=2), made_recall(LEVELS))
    record(tmp_path, training("random"), training("random", iteration=1))
    done = subprocess.run(
        [sys.executable, root / f"utils/{script}.py", "-r", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=root,
    )
    assert done.returncode == 0, done.stderr
    assert "random" in done.stdout
