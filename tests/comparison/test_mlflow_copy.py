from mlflow import MlflowClient

from classification.comparison.grid import play_grid
from classification.comparison.mlflow_copy import EXPERIMENT, send
from classification.comparison.play import Entrant, Protocol
from classification.paths import ComparisonPaths

from .tasks import make_task


def play(folder, rounds):
    task, paths = make_task(120), ComparisonPaths(folder)
    entrants = [Entrant(name=name, strategy=name) for name in ("random", "margin")]
    protocols = {task.title: Protocol(start=6, batch=6, rounds=rounds)}
    results = play_grid([task], entrants, protocols=protocols, seeds=[0], paths=paths, processes=0)
    return results, paths


def test_a_run_per_curve_gets_what_it_lacks_and_nothing_twice(tmp_path, mlflow_store):
    client = MlflowClient(mlflow_store)
    for rounds in (1, 1, 2):
        results, paths = play(tmp_path / "c", rounds)
        send(results, paths, params={"epochs": 3})
    experiment = client.get_experiment_by_name(EXPERIMENT)
    runs = client.search_runs([experiment.experiment_id])
    assert {run.data.params["strategy"] for run in runs} == {"random", "margin"}
    assert runs[0].data.params["epochs"] == "3"
    assert runs[0].info.status == "FINISHED"
    history = client.get_metric_history(runs[0].info.run_id, "macro_f1")
    assert [metric.step for metric in history] == [6, 12, 18]


def test_a_store_that_is_down_costs_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    results, paths = play(tmp_path / "c", 0)
    send(results, paths, params={})
    assert "Nothing is lost" in capsys.readouterr().out
