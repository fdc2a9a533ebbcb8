"""Fixtures that every test may use; the head of a run says where its images come from."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is not a failing test.
settings.register_profile("fieldmark", deadline=None, max_examples=50)
settings.load_profile("fieldmark")

ROOT = Path(__file__).resolve().parents[1]


def _real_data() -> Path | None:
    folder = Path(os.environ.get("FIELDMARK_REAL_DATA", ROOT.parent / "shared" / "data"))
    return folder if (folder / "caltech_night").is_dir() else None


def pytest_report_header() -> str:
    folder = _real_data()
    return "images: " + (
        "real ones (FIELDMARK_REAL_DATA or ../shared/data) and generated ones"
        if folder
        else "generated only; no real data found, tests that need it are skipped"
    )


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real camera-trap images, or a skip."""
    folder = _real_data()
    if folder is None:
        pytest.skip("no real data: put it at ../shared/data or set FIELDMARK_REAL_DATA")
    return folder


@pytest.fixture(scope="session")
def mlflow_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh MLflow database, shared by all workers: creating one costs 5-7 s, a copy 0.1 s."""
    from classification.tracking_store import connect, quiet

    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    with quiet():
        connect(f"sqlite:///{folder / 'mlflow_template.db'}")
    return folder / "mlflow_template.db"


@pytest.fixture
def mlflow_store(tmp_path: Path, mlflow_template: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of an MLflow store of the test's own, in ``MLFLOW_TRACKING_URI``, too."""
    import shutil

    database = tmp_path / "store" / "mlflow.db"
    database.parent.mkdir()
    shutil.copyfile(mlflow_template, database)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    return f"sqlite:///{database}"
