"""The label table of the patchwork tool: one row per image, one column per class, for pandas.

Columns: ``path``, ``validation`` and ``exclude`` (bool), then one per class: 1 present, 0 absent,
None not known.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.errors import FieldmarkError
from classification.files import atomic_open
from classification.labelling.decisions import Decision
from classification.labelling.spreadsheet import read_form, read_sheet

if TYPE_CHECKING:
    import pandas as pd

FIXED = ("path", "validation", "exclude")
_MARKS = {"": None, "0": 0, "1": 1, "0.0": 0, "1.0": 1}  # pandas writes 1.0 beside blanks
_FLAGS = {"true": True, "false": False, "1": True, "0": False, "": False}
_SHOWN = 10


def prep_label_dataframe(files: Sequence[str], classes: Sequence[str]) -> "pd.DataFrame":
    """A label table in which nothing is known yet.

    Raises:
        FieldmarkError: a class is called like one of the other columns, or files or classes repeat.
    """
    import pandas as pd

    problems = [f"class {name!r} is the name of a column" for name in classes if name in FIXED]
    for what, names in (("file", files), ("class", classes)):
        repeated = pd.Series(list(names), dtype=str)[lambda s: s.duplicated()].unique()
        problems += [f"{what} {name!r} is named twice" for name in repeated[:_SHOWN]]
    if problems:
        raise FieldmarkError.from_problems("no label table can be made:", problems)
    table = pd.DataFrame({"path": list(files), "validation": False, "exclude": False})
    for name in classes:
        table[name] = pd.Series([None] * len(table), dtype=object)
    return table


def save_label_dataframe(path: Path, table: "pd.DataFrame") -> None:
    """Write a label table as CSV, atomically; what is not known is empty."""
    with atomic_open(path) as f:
        table.to_csv(f, index=False, lineterminator="\n")


def load_label_dataframe(path: Path) -> "pd.DataFrame":
    """Read what `save_label_dataframe`, patchwork or a spreadsheet wrote.

    Raises:
        FieldmarkError: missing, not CSV, no path column, or cells that are none of empty, 0 and 1.
    """
    try:
        text = read_sheet(path, read_form(path)).reset_index(drop=True)
    except OSError as error:
        raise FieldmarkError(f"label table {path} cannot be read: {error}") from error
    fixed = {name: name.strip().casefold() for name in text.columns}
    text = text.rename(columns={k: v for k, v in fixed.items() if v in (*FIXED, "filepath")})
    text = text.rename(columns={"filepath": "path"})  # patchwork's own name
    if "path" not in text:
        raise FieldmarkError(f"label table {path} has no column path")
    classes = [name for name in text.columns if name not in FIXED]
    table = prep_label_dataframe(text["path"].tolist(), classes)
    problems: list[str] = []
    for name in [*FIXED[1:], *classes]:
        meaning: Mapping[str, Any] = _FLAGS if name in FIXED else _MARKS
        if name in text:
            table[name] = _column(text[name], meaning, problems)
    if problems:
        raise FieldmarkError.from_problems(
            f"label table {path} holds {len(problems)} cells that mean nothing:", problems[:_SHOWN]
        )
    return table


def fill_label_dataframe(
    table: "pd.DataFrame", decisions: Mapping[str, Decision], *, validation: Collection[str] = ()
) -> "pd.DataFrame":
    """A copy of a label table with what is decided; a single label means no other class is there.

    Args:
        table: see the module; paths are the items' names.
        decisions: the current decision by item.
        validation: items of the validation split.
    """
    import pandas as pd

    classes = [name for name in table.columns if name not in FIXED]
    rows: dict[str, list[int | None]] = {name: list(table[name]) for name in classes}
    exclude = table["exclude"].tolist()
    for i, item in enumerate(table["path"]):
        decision = decisions.get(item)
        if decision is None:
            continue
        exclude[i] = decision.verdict == "exclude"
        for name in classes:
            rows[name][i] = _mark(decision, name)
    filled = table.assign(exclude=exclude, validation=table["path"].isin(list(validation)))
    for name in classes:
        filled[name] = pd.Series(rows[name], dtype=object, index=table.index)
    return filled


def table_decisions(table: "pd.DataFrame", *, annotator: str, number: int) -> Iterator[Decision]:
    """What a label table says, as decisions: the inverse of `fill_label_dataframe`."""
    classes = [name for name in table.columns if name not in FIXED]
    for row in table.to_dict("records"):
        present = tuple(name for name in classes if row[name] == 1)
        absent = tuple(name for name in classes if row[name] == 0)
        whole = len(present) == 1 and len(absent) == len(classes) - 1
        if not (row["exclude"] or present or absent):
            continue
        verdict = "exclude" if row["exclude"] else "label" if whole else "marks"
        yield Decision(
            item=row["path"],
            verdict=verdict,
            label=present[0] if verdict == "label" else None,
            annotator=annotator,
            source="import",
            round=number,
            present=present if verdict == "marks" else (),
            absent=absent if verdict == "marks" else (),
        )


def _mark(decision: Decision, name: str) -> int | None:
    if decision.verdict == "label":
        return int(decision.label == name)
    return 1 if name in decision.present else 0 if name in decision.absent else None


def _column(cells: "pd.Series", meaning: Mapping[str, Any], problems: list[str]) -> "pd.Series":
    import pandas as pd

    keys = cells.str.strip().str.lower()
    wrong = keys[~keys.isin(list(meaning))]
    problems += [f"row {i + 2}, column {cells.name}: {cells[i]!r}" for i in wrong.index]
    dtype = bool if meaning is _FLAGS else object
    return pd.Series([meaning.get(key, False) for key in keys], dtype=dtype, index=cells.index)
