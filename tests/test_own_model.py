"""The page on own models: its example runs as it stands there, and is short."""

import re

import pytest

from tests.image_folders import make_layout


@pytest.fixture(scope="module")
def example(root):
    return re.findall(r"```python\n(.*?)```", (root / "docs/own_model.md").read_text(), re.S)[0]


def test_the_example_is_under_40_lines(example):
    assert sum(bool(line.strip()) for line in example.splitlines()) < 40


def test_the_example_runs_and_goes_on(example, tmp_path, monkeypatch, capsys):
    make_layout(tmp_path / "images")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "own_model.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["12", "16", "20"]
    longer = example.replace("rounds=2", "rounds=3")
    exec(compile(longer, "own_model.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["20", "22"]  # round 3 has the rest of the pool
