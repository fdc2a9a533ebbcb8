import re

import pytest

from classification.data.dataset import load_dataset
from classification.settings import load_config
from classification.summary import curve_lines, gain_lines, plan_line
from tests.test_report import fabricate
from tests.tiny import Tiny, hide_labels, make_tiny, write_config

NAMES = [f"{i:03d}.jpg" for i in range(150)]


def test_the_terminal_says_what_the_next_batch_is_expected_to_add(tmp_path):
    run = fabricate(tmp_path / "m/run", NAMES, rounds=6, per_round=10)
    (line,) = gain_lines(run)
    number = r"[+-]?\d+\.\d"
    assert re.fullmatch(
        rf"to expect of 10 more labels: {number} points of accuracy \({number} to {number}\), "
        rf"{number} points of macro-F1 \({number} to {number}\)",
        line,
    )
    assert len(curve_lines(run)) == 2 + 5


def test_a_run_that_has_just_begun_promises_nothing(tmp_path):
    assert gain_lines(fabricate(tmp_path / "m/run", NAMES, rounds=3)) == []
    assert gain_lines(fabricate(tmp_path / "m/first", NAMES, rounds=1)) == []


@pytest.mark.parametrize(
    ("source", "keep", "words"),
    [
        ("oracle", 12, "note: 42 of 54 train crops have no label"),
        ("oracle", 54, ""),
        ("store", 12, ""),
    ],
)
def test_a_simulation_says_that_nobody_is_asked(tmp_path, source, keep, words):
    made = make_tiny(tmp_path / "full")
    data = hide_labels(made.data, tmp_path / "data", keep=keep)
    write_config(Tiny(data=data, run=made.run), **{"labels.source": source})
    config = load_config(made.run.config, strategies=["auto"])
    dataset = load_dataset(config.data)
    line = plan_line(dataset, config, device="cpu")
    assert words in line
    assert ("note:" in line) == bool(words)
