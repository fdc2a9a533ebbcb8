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
