"""Two records side by side: paired where the test is the same."""

import pytest

from classification.evaluation.intervals import (
    bounds,
    draws,
    places,
    table_of,
    wilson,
    with_intervals,
)
from classification.versions.comparison import compare
from classification.versions.text import comparison_lines, record_lines
from tests.versions.made import CLASSES, record_of, scores


@pytest.fixture
def pair(export):
    return record_of(export, test=scores(0.6)), record_of(export, test=scores(0.9))


def test_the_better_model_is_better_beyond_its_interval(pair):
    found = compare(*pair)
    accuracy = found.overall[0]
    assert accuracy.name == "accuracy"
    assert accuracy.n == 240
    assert accuracy.values == tuple(r["test"]["accuracy"] for r in pair)
    low, high = accuracy.difference
    assert 0 < low < accuracy.values[1] - accuracy.values[0] < high
    assert [row.name for row in found.classes] == list(CLASSES)
    assert len(found.locations) == 12


def test_a_model_beside_itself_differs_by_nothing(pair):
    found = compare(pair[0], pair[0])
    assert {tuple(r.difference) for r in found.overall} == {(0.0, 0.0)}
    shown = "\n".join(comparison_lines(found, names=("version 1", "version 2")))
    assert "*" not in shown


def test_a_paired_difference_is_narrower_than_the_scores_suggest(pair):
    row = compare(*pair).overall[0]
    low, high = row.difference
    assert high - low < sum(b[1] - b[0] for b in row.intervals)


def test_a_class_that_the_test_lacks_is_shown_without_a_score(pair):
    missing = compare(*pair).classes[CLASSES.index("puma") + 1]
    assert missing.values == (None, None)
    assert missing.intervals == (None, None)
    lines = comparison_lines(compare(*pair), names=("version 1", "version 2"))
    assert next(line for line in lines if line.startswith("élan")).split() == [
        "élan",
        "0",
        "0",
        "-",
        "-",
    ]


def test_other_test_splits_give_no_difference_and_say_so(pair):
    other = {**pair[1], "data": {**pair[1]["data"], "test_split": "other"}}
    found = compare(pair[0], other)
    assert not found.same_test
    assert all(row.difference is None for row in found.overall + found.classes)
    assert "two test splits" in comparison_lines(found, names=("a", "b"))[0]


def test_a_model_that_was_never_tested_cannot_be_compared(pair, export):
    assert compare(pair[0], record_of(export, test=None)) is None


def test_one_location_gives_no_interval():
    one = scores(0.7, locations=1)
    table = table_of(one["tallies"], one["classes"])
    assert set(map(str, bounds(draws(table), places(table)))) == {"None"}
    assert with_intervals(one)["per_class"]["deer"]["f1_interval"] is None


def test_a_class_at_two_locations_has_a_score_and_no_interval(export):
    """Its items are the same in every resample that has them: a star would be a false claim."""
    pair = [record_of(export, test=scores(right)) for right in (0.5, 0.95)]
    for record in pair:
        there = [row for row in record["test"]["tallies"].values() if row.get("fox", [0, 0])[1]]
        for row in there[2:]:
            row["fox"] = [0, 0, row["fox"][2]]
    row = compare(*pair).classes[1]
    assert (row.name, row.locations) == ("fox", 2)
    assert None not in row.values
    assert row.intervals == (None, None)
    assert row.difference is None


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (5, 5), (7, 10), (1, 1000)])
def test_wilson_holds_the_share_and_stays_a_share(hits, n):
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n <= high <= 1


def test_wilson_is_what_the_literature_has():
    # Newcombe, 1998, Stat. Med. 17, table I: 81 of 263
    assert wilson(81, 263) == pytest.approx([0.2553, 0.3662], abs=1e-4)


def test_a_record_is_shown_with_all_that_one_asks_first(export):
    shown = "\n".join(record_lines(record_of(export)))
    for part in ("40 from 2 locations (44 decisions by ann, 1.5 hours)", "CC-BY-4.0", "0.900",
                 "squeezenet/first, round 2", "north/c03", "0.700 ["):  # fmt: skip
        assert part in shown
    assert "not measured" in "\n".join(record_lines(record_of(export, test=None)))
