"""splits.json: read, written, assigned to rows, and refused where it is not sound."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.data.splits import assign_splits, read_splits, write_splits
from classification.errors import FieldmarkError
from tests.data.archive import make_table


def saved(tmp_path: Path, record: object) -> Path:
    path = tmp_path / "splits.json"
    path.write_text(json.dumps(record))
    return path


def test_the_file_has_the_documented_form(tmp_path):
    path = tmp_path / "splits.json"
    write_splits(path, {"train": {("b", "2"), ("a", "1")}, "test": {("a", "0")}})
    assert json.loads(path.read_text()) == {
        "train": [["a", "1"], ["b", "2"]],
        "val": [],
        "test": [["a", "0"]],
    }


def test_integer_locations_of_older_files_become_text(tmp_path):
    path = saved(tmp_path, {"train": [["d", 7]], "val": [], "test": [["d", "8"]]})
    assert read_splits(path) == {"train": {("d", "7")}, "val": set(), "test": {("d", "8")}}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([1], "not a splits file"),
        ({"training": []}, "not a splits file"),
        ({"train": {"d": "x"}}, "not a splits file"),
        ({"train": None}, "not a splits file"),
        ({"train": [["d", "x", "y"]]}, "entries are not"),
        ({"train": [["d", None]]}, "entries are not"),
        ({"train": [["d", "x"]], "test": [["d", "x"]]}, "(?s)more than once.*d/x: train, test"),
        ({"train": [["d", "1"], ["d", 1]]}, "(?s)more than once.*d/1: train, train"),
    ],
)
def test_a_file_of_another_form_or_with_a_group_twice_is_refused(tmp_path, record, message: str):
    with pytest.raises(FieldmarkError, match=message):
        read_splits(saved(tmp_path, record))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FieldmarkError, match=r"not found.*splits\.json"):
        read_splits(tmp_path / "splits.json")


def test_every_row_gets_the_split_of_its_group():
    table = make_table([("a", "x"), ("b", "x"), ("a", None)]).set_index("path", drop=False)
    split = assign_splits(table, {"train": {("d", "a")}, "val": set(), "test": {("d", "b")}})
    assert split.to_dict() == {"0.jpg": "train", "1.jpg": "test", "2.jpg": "train"}


def test_groups_in_no_split_and_unknown_groups_are_both_named():
    with pytest.raises(FieldmarkError, match=r"(?s)1 groups of the table.*d/b.*1 groups of.*d/c"):
        assign_splits(make_table([("a", "x"), ("b", "x")]), {"train": {("d", "a"), ("d", "c")}})


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)


@settings(max_examples=25)
@given(
    st.dictionaries(
        st.tuples(names, names), st.sampled_from(["train", "val", "test"]), min_size=1, max_size=8
    )
)
def test_writing_and_reading_gives_back_the_same(tmp_path_factory, where: dict):
    path = tmp_path_factory.mktemp("splits") / "splits.json"
    splits = {s: {g for g, at in where.items() if at == s} for s in ("train", "val", "test")}
    write_splits(path, splits)
    assert read_splits(path) == splits
