import io
import shutil
import tarfile

import numpy as np
import pytest

from classification.errors import FieldmarkError
from classification.launch import archive
from classification.launch.archive import START, code_archive, requirements


def members(made):
    with tarfile.open(fileobj=io.BytesIO(made.data), mode="r:gz") as tar:
        return {m.name: (tar.extractfile(m).read(), m.mtime, m.uid) for m in tar.getmembers()}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that a test may change."""
    copy = tmp_path / "classification"
    shutil.copytree(archive._PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(archive, "_PACKAGE", copy)
    return copy


def test_the_same_code_is_the_same_archive_wherever_and_whenever_it_is_packed(package):
    here = code_archive()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "train.cpython-311.pyc").write_bytes(b"compiled")
    (package / "train.py").touch()
    assert code_archive() == here
    assert here.data == code_archive().data
    (package / "train.py").write_text("changed = True\n")
    assert code_archive().digest != here.digest


def test_it_holds_all_that_a_container_needs_and_is_small():
    made = code_archive()
    found = members(made)
    assert {START, "requirements.txt", "classification/launch/container.py"} <= found.keys()
    assert any(name.endswith(".html.jinja") for name in found)
    assert len(made.data) < 5_000_000
    assert {(mtime, uid) for _, mtime, uid in found.values()} == {(0, 0)}


def test_nothing_but_code_travels(package):
    (package / ".env").write_text("AWS_SECRET_ACCESS_KEY=planted-secret")
    (package / "launch" / ".env.py").write_text("planted-secret")
    (package / "model.pth").write_bytes(b"weights planted-secret")
    assert not [name for name, (data, *_) in members(code_archive()).items() if b"planted-" in data]


def test_data_in_the_package_is_found_out(package):
    noise = np.random.default_rng(0).bytes(4_000_000).hex()
    (package / "table.py").write_text(noise)
    (package / "other.py").write_text(noise[1_000_000:])
    with pytest.raises(FieldmarkError, match=r"MB, more than 5: .* largest file is .*table.py"):
        code_archive()


def test_packages_are_those_of_this_machine_but_for_the_containers_own():
    lines = requirements().splitlines()
    names = [line.partition("==")[0].partition("[")[0] for line in lines]
    assert {"numpy", "timm", "mlflow", "boto3"} <= set(names)
    assert not {"torch", "torchvision", "pytest", "sagemaker"} & set(names)
    assert all("==" in line and "+" not in line for line in lines)


def test_a_package_that_is_not_here_cannot_be_pinned():
    with pytest.raises(FieldmarkError, match="no-such-package is not installed here"):
        requirements(("no-such-package",))
