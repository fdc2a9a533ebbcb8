import string
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.data.download.names import UnsafeNameError, safe_path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.jpg", "a.jpg"),
        ("cam/a.jpg", "cam/a.jpg"),
        ("cam\\sub\\a.jpg", "cam/sub/a.jpg"),
        ("./cam//a.jpg", "cam/a.jpg"),
        ("cam 1/ünïcode#?.jpg", "cam 1/ünïcode#?.jpg"),
        ("..a/b...jpg", "..a/b...jpg"),
    ],
)
def test_safe_names_are_kept_as_relative_paths(name: str, path: str) -> None:
    assert safe_path(name) == path


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "/etc/passwd",
        "../a.jpg",
        "cam/../../a.jpg",
        "cam\\..\\..\\a.jpg",
        "C:\\a.jpg",
        "c:a.jpg",
        "\\\\server\\share\\a.jpg",
        "a\x00.jpg",
        "a\n.jpg",
        "cam/",
        "x" * 300,
        "\ud800.jpg",
    ],
)
def test_names_that_could_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(UnsafeNameError):
        safe_path(name)


_awkward = st.text(alphabet=string.ascii_letters + "./\\:\x00\n~ é", max_size=30)


@given(st.one_of(st.text(max_size=40), _awkward))
def test_no_name_leaves_the_folder_and_safe_ones_are_stable(name: str) -> None:
    try:
        path = safe_path(name)
    except UnsafeNameError:
        return
    parts = PurePosixPath(path).parts
    assert parts
    assert ".." not in parts
    assert not PurePosixPath(path).is_absolute()
    assert not set(path) & {"\\", "\x00", "\n"}
    assert safe_path(path) == path
