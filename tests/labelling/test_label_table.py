import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.labelling.label_table import (
    fill_label_dataframe,
    load_label_dataframe,
    prep_label_dataframe,
    save_label_dataframe,
    table_decisions,
)
from tests.labelling.made import decision


def test_a_new_table_knows_nothing():
    table = prep_label_dataframe(["a.jpg", "b.jpg"], ["fox", "deer"])
    assert list(table.columns) == ["path", "validation", "exclude", "fox", "deer"]
    assert table["fox"].tolist() == [None, None]
    assert not table[["validation", "exclude"]].to_numpy().any()


def test_names_that_cannot_be_told_apart_are_refused():
    with pytest.raises(
        FieldmarkError, match=r"(?s)'exclude' is the name.*'a' is named twice.*'fox'"
    ):
        prep_label_dataframe(["a", "a"], ["fox", "fox", "exclude"])


CELLS = st.lists(st.tuples(*[st.sampled_from([None, 0, 1])] * 3, st.booleans()), max_size=8)


@given(CELLS)
def test_a_saved_table_loads_as_it_was(tmp_path_factory, cells):
    table = prep_label_dataframe([f"cam 1/{i}.jpg" for i in range(len(cells))], ["a", "b", "é"])
    for position, name in enumerate(["a", "b", "é"]):
        table[name] = pd.Series([row[position] for row in cells], dtype=object)
    table["exclude"] = pd.Series([row[3] for row in cells], dtype=bool)
    path = tmp_path_factory.mktemp("table") / "labels.csv"
    save_label_dataframe(path, table)
    pd.testing.assert_frame_equal(load_label_dataframe(path), table)


def test_a_table_of_patchwork_and_one_that_pandas_wrote(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        "filepath,exclude,validation,fox,deer\na.jpg,False,True,1.0,\nb.jpg,True,,,0.0\n"
    )
    table = load_label_dataframe(path)
    assert table["fox"].tolist() == [1, None]
    assert table["deer"].tolist() == [None, 0]
    assert table["validation"].tolist() == [True, False]
    assert table["exclude"].tolist() == [False, True]


def test_cells_that_mean_nothing_are_listed(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("path,fox\na.jpg,yes\nb.jpg,1\nc.jpg,2\n")
    with pytest.raises(FieldmarkError, match=r"(?s)2 cells.*row 2, column fox: 'yes'.*row 4.*'2'"):
        load_label_dataframe(path)
    (tmp_path / "other.csv").write_text("x\n1\n")
    with pytest.raises(FieldmarkError, match="no column path"):
        load_label_dataframe(tmp_path / "other.csv")
    with pytest.raises(FieldmarkError, match="cannot be read"):
        load_label_dataframe(tmp_path / "nowhere.csv")


def test_decisions_become_a_table_and_the_table_the_same_decisions():
    said = {
        "a": decision("a", "fox"),
        "b": decision("b", None, verdict="marks", present=("deer", "fox"), absent=("cat",)),
        "c": decision("c", None, verdict="exclude"),
        "d": decision("d", None),
    }
    blank = prep_label_dataframe(["a", "b", "c", "d", "e"], ["cat", "deer", "fox"])
    table = fill_label_dataframe(blank, said, validation=["e"])
    assert table[["cat", "deer", "fox"]].to_numpy().tolist() == [
        [0, 0, 1],
        [0, 1, 1],
        [None] * 3,
        [None] * 3,
        [None] * 3,
    ]
    assert table["exclude"].tolist() == [False, False, True, False, False]
    assert table["validation"].tolist() == [False] * 4 + [True]
    back = {d.item: d for d in table_decisions(table, annotator="ann", number=0)}
    assert {item: d.answer for item, d in back.items()} == {
        item: said[item].answer for item in "abc"
    }
    assert back["b"].absent == ("cat",)
