"""Which label a crop gets, and that nothing is left out without a word."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.data.labels import LabelRules, apply_labels, read_label_spec
from classification.errors import FieldmarkError
from tests.data.archive import make_table

ROWS = [("cam1", "red_deer"), ("cam1", "roe_deer"), ("cam2", "fox"), ("cam2", "empty")]


def labels(rows, **rules) -> tuple[list[object], str]:
    table = make_table(rows)
    kept, notes = apply_labels(table, LabelRules(**rules))
    return kept["label"].astype(object).where(kept["label"].notna(), None).tolist(), "\n".join(
        notes
    )


def test_empty_frames_are_left_out_unless_asked_for():
    assert labels(ROWS) == (
        ["red_deer", "roe_deer", "fox"],
        "1 crops left out by --exclude: empty 1",
    )
    assert labels(ROWS, exclude=()) == (["red_deer", "roe_deer", "fox", "empty"], "")


def test_a_specification_merges_renames_and_leaves_out_what_it_does_not_name():
    kept, notes = labels(ROWS, spec={"deer": ("red_deer", "roe_deer"), "cat": ("wild_cat",)})
    assert kept == ["deer", "deer"]
    assert "2 crops left out of classes that --label-spec does not name: fox 1, empty 1" in notes
    assert "classes of --label-spec that the data lack: wild_cat" in notes


def test_empty_under_another_name_stays():
    kept, _ = labels(ROWS, spec={"blank": ("empty",), "fox": ("fox",)})
    assert kept == ["fox", "blank"]


def test_boxes_nobody_has_named_stay_with_an_empty_label():
    kept, notes = labels([*ROWS, ("cam3", "unlabelled")], spec={"fox": ("fox",)})
    assert kept == ["fox", None]
    assert "1 crops are not labelled yet" in notes


def test_classes_at_too_few_locations_are_left_out_and_named():
    rows = [("cam1", "fox"), ("cam2", "fox"), ("cam1", "cat"), ("cam1", "cat")]
    kept, notes = labels(rows, min_groups=2)
    assert kept == ["fox", "fox"]
    assert "2 crops left out in fewer than 2 locations (--min-locs): cat 2" in notes


def test_a_misspelt_exclusion_is_an_error_that_says_what_there_is():
    with pytest.raises(FieldmarkError, match=r"emptty.*There are: empty, fox, red_deer, roe_deer"):
        labels(ROWS, exclude=("emptty",))


def test_nothing_left_says_why():
    with pytest.raises(FieldmarkError, match=r"(?s)no crop is left.*--exclude: empty 1"):
        labels([("cam1", "empty")])


@pytest.mark.parametrize(
    "text", ["deer: [red_deer, 7]\nfox: [fox]", '{"deer": ["red_deer", 7], "fox": ["fox"]}']
)
def test_specifications_are_yaml_or_json(tmp_path: Path, text: str):
    path = tmp_path / "spec.yml"
    path.write_text(text)
    assert read_label_spec(path) == {"deer": ("red_deer", "7"), "fox": ("fox",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[deer]", "it is list"),
        ("", "it is NoneType"),
        ("deer: red_deer", "'deer' has no list"),
        ("a: [x]\nb: [x, y]\n", "class 'x' is under 2 labels: a, b"),
        ("a: [x", "is not valid YAML"),
    ],
)
def test_a_specification_of_another_form_is_refused(tmp_path: Path, text: str, message: str):
    path = tmp_path / "spec.yml"
    path.write_text(text)
    with pytest.raises(FieldmarkError, match=message):
        read_label_spec(path)


def test_a_missing_specification_is_named(tmp_path: Path):
    with pytest.raises(FieldmarkError, match=r"not found.*spec\.yml"):
        read_label_spec(tmp_path / "spec.yml")


@settings(max_examples=25)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "3"]), st.sampled_from(["a", "b", "unlabelled", "empty"])
        ),
        min_size=1,
        max_size=15,
    ),
    least=st.integers(1, 3),
)
def test_exactly_the_classes_with_enough_locations_stay(rows, least: int):
    places = {c: {p for p, name in rows if name == c} for _, c in rows}
    stay = [c for _, c in rows if c == "unlabelled" or (c != "empty" and len(places[c]) >= least)]
    try:
        kept, _ = labels(rows, min_groups=least)
    except FieldmarkError:
        kept = []
    assert kept == [None if c == "unlabelled" else c for c in stay]
