"""What crosses splits is found, counted and refused; what does not is left alone."""

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.data.audit import audit, audit_splits, require_no_leaks
from classification.data.options import AuditOptions
from classification.data.splits import write_splits
from classification.errors import FieldmarkError
from classification.schemas import ClassificationTable, write_csv
from tests.data.archive import make_archive, make_table

FOUR = [("cam1", "fox"), ("cam1", "cat"), ("cam2", "fox"), ("cam3", "cat")]
CLEAN = ["train", "train", "val", "test"]


def series(values: list[Any]) -> pd.Series:
    return pd.Series(values, dtype="str")


def test_a_clean_split_has_no_leaks():
    assert audit(make_table(FOUR), series(CLEAN)) == []


@pytest.mark.parametrize(
    ("column", "values", "kind", "value"),
    [
        ("seq_id", ["s", "a", "s", "b"], "sequence", "d/s"),
        ("image_id", ["a", "i", "b", "i"], "image", "d/i"),
        ("sha256", ["h", "a", "b", "h"], "content", "h"),
    ],
)
def test_whatever_two_splits_share_is_a_leak_of_its_kind(
    column: str, values: list[str], kind: str, value: str
):
    leaks = audit(make_table(FOUR, **{column: values}), series(CLEAN))
    assert [(leak.kind, leak.value, leak.items) for leak in leaks] == [(kind, value, 2)]


def test_a_location_in_two_splits_names_the_splits_and_an_example_of_each():
    (leak,) = audit(make_table(FOUR), series(["train", "test", "val", "test"]))
    assert (leak.kind, leak.value, leak.items) == ("location", "d/cam1", 2)
    assert dict(zip(leak.splits, leak.examples, strict=True)) == {"train": "0.jpg", "test": "1.jpg"}


def test_unknown_values_and_equal_names_in_two_datasets_are_no_leaks():
    unknown = make_table(FOUR, location=[None] * 4, seq_id=[None] * 4, dataset=["a", "a", "b", "c"])
    same_names = make_table([("1", "fox")] * 4, dataset=["a", "a", "b", "c"], seq_id=["1"] * 4)
    assert audit(unknown, series(CLEAN)) == []
    assert audit(same_names, series(CLEAN)) == []


def test_near_duplicates_count_when_they_are_given():
    near = series(["0.jpg", None, "0.jpg", None])
    (leak,) = audit(make_table(FOUR), series(CLEAN), near_duplicates=near)
    assert (leak.kind, leak.items) == ("near_duplicate", 2)


def test_refusal_counts_by_kind_and_lets_pass_what_was_asked_for():
    leaks = audit(make_table(FOUR, sha256=["h"] * 4), series(["train", "test", "val", "test"]))
    with pytest.raises(FieldmarkError, match=r"location: 1 cross.*\n.*cam1.*\n.*content: 1 cross"):
        require_no_leaks(leaks)
    with pytest.raises(FieldmarkError, match="content"):
        require_no_leaks(leaks, allowed=["location"])
    require_no_leaks(leaks, allowed=["location", "content"])


@settings(max_examples=20)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("abcd"), st.sampled_from("xyz"), st.sampled_from(["train", "test"])
        ),
        min_size=1,
        max_size=12,
    )
)
def test_the_audit_agrees_with_comparing_all_pairs(rows: list[tuple[str, str, str]]):
    table = make_table(
        [(location, "fox") for location, _, _ in rows], seq_id=[s for _, s, _ in rows]
    )
    leaks = audit(table, series([split for *_, split in rows]))
    for kind, position in (("location", 0), ("sequence", 1)):
        expected = {
            f"d/{one[position]}"
            for one in rows
            for other in rows
            if one[position] == other[position] and one[2] != other[2]
        }
        assert {leak.value for leak in leaks if leak.kind == kind} == expected


def test_the_step_passes_clean_splits_and_fails_on_a_copy_in_another_split(
    tmp_path, capsys: pytest.CaptureFixture[str]
):
    archive = make_archive(tmp_path / "a", [(f"cam{i}", "fox") for i in range(4)])
    crops = pd.read_csv(archive.paths.crop_table)
    table = make_table(
        [(f"cam{i}", "fox") for i in range(4)], path=crops["path"], sha256=crops["sha256"]
    )
    write_csv(archive.paths.table, table, ClassificationTable)
    groups = [("d", f"cam{i}") for i in range(4)]
    write_splits(
        archive.paths.splits,
        {"train": set(groups[:2]), "val": {groups[2]}, "test": {groups[3]}},
    )
    audit_splits(AuditOptions(output_dir=archive.paths.root))
    assert "no leak" in capsys.readouterr().out

    # the same picture, encoded anew: another hash, the same look
    from PIL import Image

    with Image.open(archive.paths.crops / crops["path"][0]) as image:
        image.resize((40, 40)).save(archive.paths.crops / crops["path"][3], quality=60)
    table.loc[3, "sha256"] = "another"
    write_csv(archive.paths.table, table, ClassificationTable)
    with pytest.raises(FieldmarkError, match="near_duplicate: 1 cross"):
        audit_splits(AuditOptions(output_dir=archive.paths.root))
    audit_splits(AuditOptions(output_dir=archive.paths.root, near_duplicates=False))


def test_the_step_refuses_splits_of_another_table(tmp_path):
    archive = make_archive(tmp_path / "a", FOUR)
    write_csv(archive.paths.table, make_table(FOUR), ClassificationTable)
    archive.paths.splits.write_text(json.dumps({"train": [["d", "cam9"]], "val": [], "test": []}))
    with pytest.raises(
        FieldmarkError, match=r"(?s)3 groups of the table.*d/cam1.*1 groups.*d/cam9"
    ):
        audit_splits(AuditOptions(output_dir=archive.paths.root))
