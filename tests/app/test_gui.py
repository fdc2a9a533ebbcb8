import numpy as np
import pandas as pd
import pytest

from classification.app.gui import GUI
from classification.errors import FieldmarkError
from classification.labelling.label_table import (
    load_label_dataframe,
    prep_label_dataframe,
    save_label_dataframe,
)
from tests.labelling.made import decision


@pytest.fixture
def gui(make_items, tmp_path):
    items = make_items(4)

    def make(change=lambda table: None, **options):
        table = prep_label_dataframe(items.names, ["deer", "fox"])
        change(table)
        return GUI(table, folder=items.folder, store=tmp_path / "labels.db", **options)

    return make


def label(state, number, name, **changes):
    state.decide([decision(state.items.names[number], name, **changes)])


def test_decisions_come_back_in_the_table_and_in_its_file(gui, tmp_path):
    app = gui()
    label(app.state, 0, "fox")
    label(app.state, 1, None, verdict="exclude")
    app.state.add_class("lynx")
    app.state.set_validation([3], True, annotator="ann")
    app.save(tmp_path / "labels.csv")
    table = load_label_dataframe(tmp_path / "labels.csv")
    assert table["fox"].tolist() == [1, None, None, None]
    assert table["lynx"].tolist() == [0, None, None, None]
    assert table["exclude"].tolist() == [False, True, False, False]
    assert table["validation"].tolist() == [False, False, False, True]


def test_a_table_with_labels_goes_on_where_it_was(gui, tmp_path):
    def change(table):
        table.loc[0, "deer"], table.loc[0, "fox"] = 1, 0
        table.loc[1, "exclude"] = True
        table.loc[2, "validation"] = True

    app = gui(change)
    assert app.state.unlabelled.tolist() == [False, False, True, True]
    assert not app.state.several
    pd.testing.assert_frame_equal(app.table, app._table)
    save_label_dataframe(tmp_path / "saved.csv", app.table)
    label(app.state, 1, "fox")
    assert not app.table["exclude"].any()
    again = gui(change)  # the store knows more than the table
    assert again.table["fox"].tolist() == [0, 1, None, None]


def test_marks_that_are_no_single_label_mean_several_classes_an_image(gui):
    assert gui(lambda table: table.__setitem__("fox", [1, None, None, None])).state.several


def test_tables_that_cannot_be_labelled(gui, make_items):
    with pytest.raises(FieldmarkError, match="more than None, 0 and 1"):
        gui(lambda table: table.__setitem__("fox", [2, None, None, None]))
    with pytest.raises(FieldmarkError, match="validation"):
        GUI(pd.DataFrame({"path": ["a.jpg"], "exclude": [False]}))
    with pytest.raises(FieldmarkError, match="3 rows, there are 4 items"):
        gui(embeddings=np.zeros((3, 2), dtype=np.float32))


def test_in_a_notebook_and_as_a_server(gui, open_page):
    app = gui()
    assert app.panel().height > 500
    server = app.serve(background=True)
    page = open_page(server.url)
    page.keyboard.press("1")
    page.wait_for_function("performance.getEntriesByName('fieldmark-next').length")
    assert app.table["deer"].sum() == 1
    server.stop()
