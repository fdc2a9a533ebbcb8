"""Fixtures that every test may use; the head of a run says where its images come from."""

import os

# One thread a process: two workers with two threads each would wait for one another on two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from classification.paths import ExportPaths

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


@pytest.fixture(scope="session")
def tiny_export(tmp_path_factory: pytest.TempPathFactory) -> "ExportPaths":
    """A small real model in an export folder, untrained, whose third class was never seen."""
    import numpy as np

    from classification.learning.backbones import build_backbone, embedding_size
    from classification.learning.crops import Preprocessing
    from classification.learning.head import Head
    from classification.learning.model import Card, Classifier, save_export
    from classification.paths import ExportPaths

    backbone = build_backbone("squeezenet1_1", "none", seed=0)
    dim, rng = embedding_size(backbone, 64), np.random.default_rng(0)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    card = Card(
        backbone="squeezenet1_1",
        weights="none",
        weights_sha256="ab" * 32,
        trained_with=0,
        seed=0,
        dim=dim,
        preprocessing=Preprocessing(image_size=64, mean=mean, std=std),
        classes=("deer", "fox", "puma", "élan"),
        seen=("deer", "fox", "élan"),
        num_labels=40,
        round=2,
        data={"table": "ab" * 32, "test_split": "ef" * 32},
    )
    head = Head(
        mean=rng.random(dim, dtype=np.float32),
        scale=rng.random(dim, dtype=np.float32) + 0.5,
        weights=(rng.random((3, dim), dtype=np.float32) / 10,),
        biases=(rng.random(3, dtype=np.float32),),
        classes=np.array([0, 1, 3]),
    )
    paths = ExportPaths(tmp_path_factory.mktemp("model") / "export")
    save_export(paths, Classifier(backbone=backbone, head=head, card=card))
    return paths


@pytest.fixture(scope="session")
def tiny_program(tmp_path_factory: pytest.TempPathFactory, tiny_export: "ExportPaths") -> Path:
    """What `save_program` makes of it: seconds of torch.export, spent once."""
    from classification.program import save_program
    from classification.tracking_store import quiet

    folder = tmp_path_factory.mktemp("model") / "program"
    with quiet():
        save_program(tiny_export, folder)
    return folder
