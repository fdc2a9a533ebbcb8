import os
import subprocess
import sys
from pathlib import Path

import pytest

from classification.child_process import python_path

ROOT = str(Path(__file__).resolve().parents[1])


@pytest.mark.parametrize("others", [[], ["/a"], ["/a", "", "/b"]])
def test_the_package_comes_first_and_once_and_what_was_given_stays(monkeypatch, others):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(others))
    for _ in range(2):
        assert python_path() == os.pathsep.join([ROOT, *others])
        monkeypatch.setenv("PYTHONPATH", python_path())


def test_another_process_imports_this_package_from_any_folder(tmp_path):
    code = "import classification; print(classification.__file__)"
    found = subprocess.run(
        [sys.executable, "-S", "-c", code],  # without site-packages: as if not installed
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).parents[1] == Path(ROOT)
