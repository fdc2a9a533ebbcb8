"""Labels into the store from a file: ledger, label table, COCO Camera Traps, or Timelapse's CSV.

Good rows are taken, the others are listed with a reason. What the annotator says already is not
stored again, so the same file may be imported twice.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from classification.errors import FieldmarkError
from classification.labelling.decisions import NO_LABEL, Decision, latest_by_annotator
from classification.labelling.exports import COLUMNS
from classification.labelling.flags import flag_items, kept_items
from classification.labelling.label_table import load_label_dataframe, table_decisions
from classification.labelling.spreadsheet import Form, read_form, read_sheet
from classification.labelling.store import LabelStore
from classification.labelling.timelapse.returned import COLUMNS as TIMELAPSE
from classification.labelling.timelapse.returned import read_returned
from classification.labelling.timelapse.rows import class_key, sort_rows

if TYPE_CHECKING:
    import pandas as pd

_LISTS = ("present", "absent")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What imported labels must fit to.

    items: names of all items. annotations: annotation id to item, where known.
    """

    items: list[str]
    annotations: dict[str, str]
    classes: tuple[str, ...]
    accept_new: bool
    annotator: str
    round: int


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of a file: decisions added, rows that said nothing new, rows not taken."""

    added: int
    known: int
    problems: "pd.DataFrame"
    notes: list[str]


def import_labels(store: LabelStore, path: Path, frame: Frame) -> Imported:
    """Take in one file; its form follows from its name and columns.

    Raises:
        FieldmarkError: the file is missing or of no known form, or the store cannot be written.
    """
    if not path.is_file():
        raise FieldmarkError(f"file of labels not found: {path}")
    if path.suffix.lower() == ".json":
        found, problems, notes = _single(_read_cct(path, frame), frame)
    else:
        found, problems, notes = _of_sheet(store, path, frame)
    new = _news(store, found)
    return Imported(
        added=store.add(new), known=len(found) - len(new), problems=problems, notes=notes
    )


def _of_sheet(
    store: LabelStore, path: Path, frame: Frame
) -> "tuple[list[Decision], pd.DataFrame, list[str]]":
    """Decisions of a CSV, by the columns it has; what a label table keeps is flagged at once."""
    form = read_form(path)
    if form.named(TIMELAPSE) is not None:
        return _single(read_returned(path), frame)
    if form.named(("item", "verdict")) is not None:
        return _checked(_read_ledger(path, form), frame)
    if _is_table(form):
        table = load_label_dataframe(path)
        made = table_decisions(table, annotator=frame.annotator, number=frame.round)
        rows = {item: row for row, item in enumerate(table["path"], 2)}
        good, bad, notes = _checked([(rows[d.item], d) for d in made], frame)
        return good, bad, [*notes, *_keep(store, table, frame)]
    if pair := form.named(("path", "label")):
        text = read_sheet(path, form, pair)
        items, labels = (text[name].tolist() for name in pair)
        return _single(_species_table(items, labels), frame)
    raise FieldmarkError(
        f"{path} is no file of labels. Give a COCO Camera Traps .json, or a .csv with the "
        "columns File, RelativePath, Species (Timelapse), path, label, or those that "
        f"label.py export writes; its first line has {', '.join(form.heading) or 'nothing'}"
    )


def _is_table(form: Form) -> bool:
    """Whether a CSV is a label table."""
    path = form.named(("path",)) or form.named(("filepath",))
    return path is not None and form.named(("exclude",)) is not None


def _keep(store: LabelStore, table: "pd.DataFrame", frame: Frame) -> list[str]:
    """Flag what a label table keeps for validation; never takes a flag away. A note if any."""
    kept = kept_items(store)
    flagged = set(table.loc[table["validation"].to_numpy(dtype=bool), "path"])
    new = [item for item in frame.items if item in flagged and item not in kept]
    if not new:
        return []
    flag_items(store, new, validation=True, annotator=frame.annotator)
    return [f"{len(new)} images kept for validation"]


def _single(
    table: "pd.DataFrame", frame: Frame
) -> "tuple[list[Decision], pd.DataFrame, list[str]]":
    """Decisions of a table with File, RelativePath and Species."""
    found = sort_rows(
        table,
        items=frame.items,
        wanted=frame.items,
        known={},
        classes=frame.classes,
        accept_new=frame.accept_new,
    )
    blank = Decision(
        item="",
        verdict="",
        label=None,
        annotator=frame.annotator,
        source="import",
        round=frame.round,
    )
    decisions = [
        replace(blank, item=item, verdict=answer)
        if answer in NO_LABEL and answer not in frame.classes
        else replace(blank, item=item, verdict="label", label=answer)
        for item, answer in sorted(found.answers.items())
    ]
    return decisions, found.problems, found.notes


def _checked(
    rows: list[tuple[int, Decision]], frame: Frame
) -> "tuple[list[Decision], pd.DataFrame, list[str]]":
    """Decisions of items and classes that exist; the others with a reason."""
    import pandas as pd

    items, spelt = set(frame.items), {class_key(name): name for name in frame.classes}
    good: list[Decision] = []
    bad: list[tuple[object, ...]] = []
    for row, decision in rows:
        named = {n for n in (decision.label, *decision.present, *decision.absent) if n}
        strange = sorted(n for n in named if n not in frame.classes and class_key(n) not in spelt)
        problem = decision.problem()
        if decision.item not in items:
            problem = "no such image in the dataset"
        elif strange and not frame.accept_new:
            problem = f"unknown species {', '.join(strange)}"
        if problem:
            bad.append((row, decision.item, "", decision.label or decision.verdict, problem))
        else:
            good.append(_spelt(decision, spelt))
    columns = ["row", "File", "RelativePath", "Species", "problem"]
    return good, pd.DataFrame(bad, columns=columns), []


def _spelt(decision: Decision, spelt: Mapping[str, str]) -> Decision:
    """With the names that the classes have, whatever case and blanks they were written with."""

    def known(name: str) -> str:
        return spelt.get(class_key(name), name)

    return replace(
        decision,
        label=decision.label and known(decision.label),
        present=tuple(map(known, decision.present)),
        absent=tuple(map(known, decision.absent)),
    )


def _news(store: LabelStore, found: list[Decision]) -> list[Decision]:
    """Those that say something that the same annotator does not say already."""
    history = store.history()
    said, kept = latest_by_annotator(history), set(history)
    return [d for d in found if d not in kept and not _same(said.get((d.item, d.annotator)), d)]


def _same(before: Decision | None, now: Decision) -> bool:
    return before is not None and (before.verdict, before.answer, before.absent) == (
        now.verdict,
        now.answer,
        now.absent,
    )


def _read_cct(path: Path, frame: Frame) -> "pd.DataFrame":
    """Category per crop; an annotation of a full frame is found by its id."""
    from classification.data.cct import UNLABELLED, read_cct

    cct = read_cct(path)
    files = cct.images.set_index("id")["file_name"]
    items = set(frame.items)
    images = cct.annotations["image_id"].map(files)
    named = [
        str(image) if image in items else frame.annotations.get(annotation, str(image))
        for image, annotation in zip(images, cct.annotations["id"], strict=True)
    ]
    return _species_table(named, cct.names.replace(UNLABELLED, "").tolist())


def _species_table(items: list[str], labels: list[str]) -> "pd.DataFrame":
    import pandas as pd

    table = pd.DataFrame({"File": items, "RelativePath": "", "Species": labels}, dtype=str)
    table.index = pd.RangeIndex(2, len(table) + 2, name="row")
    return table


def _read_ledger(path: Path, form: Form) -> list[tuple[int, Decision]]:
    missing = [name for name in COLUMNS if form.named((name,)) is None]
    if missing:
        raise FieldmarkError(f"{path} lacks the columns {', '.join(missing)} of a label ledger")
    names = form.named(COLUMNS) or ()
    table = read_sheet(path, form, names)[list(names)].set_axis(list(COLUMNS), axis=1)
    return list(_ledger_rows(table, path))


def _ledger_rows(table: "pd.DataFrame", path: Path) -> Iterator[tuple[int, Decision]]:
    for number, row in zip(table.index, table.to_dict("records"), strict=True):
        values: dict[str, object] = {str(name): text for name, text in row.items()}
        try:
            values |= {name: tuple(json.loads(row[name] or "[]")) for name in _LISTS}
            values["round"] = int(row["round"])
        except ValueError as error:
            raise FieldmarkError(f"{path}, row {number}: {error}") from None
        values |= {"label": row["label"] or None, "shown_at": row["shown_at"] or None}
        yield number, Decision(**values)  # type: ignore[arg-type]
