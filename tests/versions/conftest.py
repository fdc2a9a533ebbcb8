import shutil

import pytest

from classification.tracking_store import quiet


@pytest.fixture
def export(tiny_export):
    return tiny_export


@pytest.fixture
def client(mlflow_store, tiny_program, monkeypatch):
    """A client, with an experiment to register from; tracing is already done."""
    monkeypatch.setattr(
        "classification.versions.register.save_program",
        lambda _, folder: shutil.copytree(tiny_program, folder),
    )
    with quiet():
        import mlflow
        from mlflow import MlflowClient

        mlflow.set_tracking_uri(mlflow_store)  # as a user does who loads a model
        yield MlflowClient(mlflow_store)
        mlflow.set_tracking_uri(None)


@pytest.fixture
def new_run(client, tmp_path):
    experiment = client.create_experiment("demo", artifact_location=(tmp_path / "art").as_uri())
    return lambda: client.create_run(experiment)
