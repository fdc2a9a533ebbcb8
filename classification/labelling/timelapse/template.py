"""A Timelapse template: which fields people fill in.

A template is an SQLite file. Tables, columns, the values of the four standard fields and the JSON
of a choice list are those of the templates that Timelapse 2.3 ships and of its source (Database/
CommonDatabase.cs, DataStructures/Choices.cs; the misspelt `VersionCompatabily` is theirs).
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from classification.files import atomic_path

SPECIES, SELECTED = "Species", "Selected"

_VERSION = "2.3.2.2"  # of the shipped templates whose form this is
_OLDEST = "2.3.0.0"  # the oldest Timelapse that can open it
_FIELD = """
    Id INTEGER PRIMARY KEY AUTOINCREMENT,
    ControlOrder INTEGER,
    SpreadsheetOrder INTEGER,{level}
    Type TEXT,
    DefaultValue TEXT,
    Label TEXT,
    DataLabel TEXT,
    Tooltip TEXT,
    Visible TEXT,
    List TEXT,
    ExportToCSV TEXT DEFAULT 'True'
"""
_SCHEMA = f"""
CREATE TABLE TemplateTable ({_FIELD.format(level="")}, TXTBOXWIDTH TEXT, Copyable TEXT);
CREATE TABLE FolderDataTemplateTable ({_FIELD.format(level=" Level INTEGER,")});
CREATE TABLE FolderDataInfo (
    Id INTEGER PRIMARY KEY AUTOINCREMENT, Level INTEGER, Guid TEXT, Alias TEXT
);
CREATE TABLE TemplateInfo (
    VersionCompatabily TEXT DEFAULT '', BackwardsCompatibility TEXT DEFAULT '',
    Standard TEXT DEFAULT ''
);
"""
_INSERT = """
INSERT INTO TemplateTable (
    ControlOrder, SpreadsheetOrder, Type, DefaultValue, Label, DataLabel, Tooltip, TXTBOXWIDTH,
    Copyable, List, Visible, ExportToCSV
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'true', ?)
"""


def write_template(path: Path, choices: Sequence[str]) -> None:
    """Write a template with the fields `Species`, a choice, and `Selected`, a tick.

    Args:
        path: the ``.tdb`` to write, atomically.
        choices: what can be chosen as species, in the order of the list.
    """
    species = json.dumps(
        {"IncludeEmptyChoice": True, "ChoiceListNonEmpty": list(choices)}, ensure_ascii=False
    )
    fields = [
        ("File", "", "File", "File", "The file name", "100", "false", "", "true"),
        ("RelativePath", "", "RelativePath", "RelativePath",
         "Path from the root folder containing the template and image data files to the file",
         "100", "false", "", "true"),
        ("DateTime", "2024-01-01 12:00:00", "DateTime", "DateTime",
         "Date and time taken (Time_ in 24 hour format)", "160", "false", "", "true"),
        ("DeleteFlag", "false", "Delete?", "DeleteFlag",
         "Mark a file as one to be deleted. You can then confirm deletion through the Edit Menu",
         "20", "false", "", "false"),
        ("FixedChoice", "", SPECIES, SPECIES,
         "What is in the image; leave empty what you have not looked at", "100", "true", species,
         "true"),
        ("Flag", "false", SELECTED, SELECTED, "Ticked: please label this image", "20", "false", "",
         "true"),
    ]  # fmt: skip
    with atomic_path(path) as temporary, closing(sqlite3.connect(temporary)) as connection:
        connection.executescript(_SCHEMA)
        with connection:
            connection.executemany(_INSERT, [(i, i, *row) for i, row in enumerate(fields, 1)])
            connection.execute("INSERT INTO TemplateInfo VALUES (?, ?, '')", (_VERSION, _OLDEST))
