"""CSV files as Timelapse and spreadsheets write them."""

import sqlite3

import pytest

from classification.errors import FieldmarkError
from classification.labelling.timelapse.returned import (
    find_returned,
    not_returned,
    read_returned,
    returned_form,
)
from classification.labelling.timelapse.selector import hand_out, split_item
from classification.labelling.timelapse.template import write_template
from classification.paths.labels import TimelapsePaths

ROWS = "File,RelativePath,DateTime,DeleteFlag,Species\na.jpg,cam1\\x,2024-01-01,false,élan\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("told", [False, True], ids=["", "sep="])
def test_whatever_saved_it_the_rows_are_the_same(tmp_path, encoding, separator, end, told):
    path = tmp_path / "labels.csv"
    first = f"sep={separator}{end}" if told else ""
    path.write_bytes((first + ROWS.replace(",", separator).replace("\n", end)).encode(encoding))
    table = read_returned(path)
    assert table.to_dict("records") == [
        {"File": "a.jpg", "RelativePath": "cam1\\x", "Species": "élan"}
    ]
    assert table.index.tolist() == [2]


def test_columns_are_found_whatever_their_case_and_quotes_hold_anything(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text('"species" ,Note, FILE,relativepath\n"fox, red","a\nb;c",007.jpg,NA\n\n,,,\n')
    table = read_returned(path)
    assert table.to_numpy().tolist() == [["007.jpg", "NA", "fox, red"], [""] * 3, [""] * 3]
    assert table.index.tolist() == [2, 3, 4]


def test_the_first_csv_with_a_species_column_is_the_return(tmp_path):
    (tmp_path / "a_selector.csv").write_text("File,RelativePath,Selected\n")
    (tmp_path / "b.txt").write_text(ROWS)
    (tmp_path / "c.csv").write_text(ROWS)
    (tmp_path / "d.CSV").write_text(ROWS)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "folder.csv").mkdir()
    assert [p.name for p in find_returned(tmp_path)] == ["c.csv", "d.CSV"]
    assert returned_form(tmp_path / "empty.csv") is None


def test_what_a_person_may_take_for_a_return_is_named_with_the_reason(tmp_path):
    (tmp_path / "a.csv").write_text("File,RelativePath,name\na.jpg,x,fox\n")
    (tmp_path / "b.xlsx").write_bytes(b"PK")
    (tmp_path / "c.csv").write_text(ROWS)
    (tmp_path / "d.csv").write_text("")
    (tmp_path / "notes.txt").write_text("mine")
    assert not_returned(tmp_path) == [
        "a.csv is not taken: its first line lacks Species (it has File, RelativePath, name)",
        "b.xlsx is not taken: save it as CSV",
        "d.csv is not taken: its first line lacks File, RelativePath, Species (it has nothing)",
    ]
    assert not_returned(tmp_path / "missing") == []


def test_what_is_no_returned_csv_is_named(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("File,Species\na.jpg,fox\n")
    with pytest.raises(
        FieldmarkError, match="lacks one of the columns File, RelativePath, Species"
    ):
        read_returned(path)
    path.write_text('File,RelativePath,Species\na.jpg,x,fox\n"b.jpg,x,fox\n')
    with pytest.raises(FieldmarkError, match="cannot be read as CSV"):
        read_returned(path)


def test_a_template_has_the_tables_and_fields_that_timelapse_reads(tmp_path):
    path = tmp_path / "TimelapseTemplate.tdb"
    write_template(path, ["fox", "élan", 'the "other"'])
    connection = sqlite3.connect(path)
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    fields = connection.execute(
        "SELECT DataLabel, Type, List FROM TemplateTable ORDER BY ControlOrder"
    ).fetchall()
    versions = connection.execute("SELECT * FROM TemplateInfo").fetchall()
    connection.close()
    assert {"TemplateTable", "TemplateInfo", "FolderDataTemplateTable", "FolderDataInfo"} <= tables
    assert [f[:2] for f in fields] == [
        ("File", "File"),
        ("RelativePath", "RelativePath"),
        ("DateTime", "DateTime"),
        ("DeleteFlag", "DeleteFlag"),
        ("Species", "FixedChoice"),
        ("Selected", "Flag"),
    ]
    assert fields[4][2] == (
        '{"IncludeEmptyChoice": true, "ChoiceListNonEmpty": ["fox", "élan", "the \\"other\\""]}'
    )
    assert versions == [("2.3.2.2", "2.3.0.0", "")]


def test_what_is_handed_out_reads_back_as_what_was_asked(tmp_path):
    paths = TimelapsePaths(tmp_path)
    items = ["cam1/day 2/a,b.jpg", "c.jpg"]
    hand_out(paths, items, items[:1], ["fox"])
    assert paths.selector.read_text() == (
        'File,RelativePath,Selected\n"a,b.jpg",cam1\\day 2,True\nc.jpg,,False\n'
    )
    assert paths.returned.is_dir()
    assert split_item(items[0]) == ("a,b.jpg", "cam1\\day 2")
