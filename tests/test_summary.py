import re

from classification.summary import curve_lines, gain_lines
from tests.test_report import fabricate

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
