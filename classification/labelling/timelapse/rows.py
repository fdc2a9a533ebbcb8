"""What each returned row means: an answer, nothing yet, or a problem. No files here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from classification.labelling.decisions import NO_LABEL

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 12  # classes named in a message
_SAID = {  # what people write who see no animal, or cannot tell which
    **dict.fromkeys(
        ("empty", "blank", "none", "nothing", "no_animal", "false_positive"), "exclude"
    ),
    **dict.fromkeys(("unknown", "unidentified", "unclear", "not_sure", "?"), "unsure"),
}


@dataclass(frozen=True, kw_only=True)
class Returned:
    """What a returned table says.

    Attributes:
        answers: species, or one of `NO_LABEL`, per item that was asked for.
        problems: ``row, File, RelativePath, Species, problem``, one line per row not taken.
        notes: what else happened, one line each.
        new_classes: accepted names that are no class yet, in order of first appearance.
    """

    answers: dict[str, str]
    problems: "pd.DataFrame"
    notes: list[str]
    new_classes: list[str]


def class_key(name: str) -> str:
    """What two spellings of a class have in common: case, blanks and underscores do not count."""
    return "_".join(name.casefold().replace("_", " ").split())


def sort_rows(
    table: "pd.DataFrame",
    *,
    items: list[str],
    wanted: Collection[str],
    known: Mapping[str, str],
    classes: Sequence[str],
    accept_new: bool,
) -> Returned:
    """Sort the rows of a returned table.

    Args:
        table: columns File, RelativePath, Species; the index is the row number to report.
        items: every item of the dataset, with forward slashes.
        wanted: items that were selected and still wait.
        known: answers taken earlier; a row that repeats one is no news.
        classes: class names.
        accept_new: take a species that is no class as a new one.
    """
    import pandas as pd

    species = table["Species"].str.strip()
    filled = (species != "").to_numpy()
    place, missing = _places(table[filled], items)
    rows = table.index.to_numpy()[filled]
    answer, strange, new = _answers(species[filled], classes, accept_new=accept_new)
    unknown = answer.isna().to_numpy()
    asked = np.isin(place, pd.Index(items).get_indexer(pd.Index(list(wanted)))) & ~missing
    found = pd.DataFrame({"place": place, "answer": answer.to_numpy()}, index=rows)
    taken = found[asked & ~unknown]
    clash = _clashes(taken)
    problem = np.full(len(rows), "", dtype=object)
    problem[missing] = "no such image in the dataset"
    problem[asked & unknown] = [strange[name] for name in species[filled][asked & unknown]]
    problem[np.isin(rows, list(clash))] = [clash[row] for row in rows if row in clash]
    agreed = taken[~taken.index.isin(list(clash))]
    said = zip(agreed["place"].tolist(), agreed["answer"].tolist(), strict=True)
    answers = {items[place]: answer for place, answer in said}
    named = {a: None for a in agreed["answer"] if a in new}
    return Returned(
        answers=answers,
        problems=_listed(table.loc[rows[problem != ""]], problem[problem != ""]),
        notes=_notes(found[~asked & ~missing], items, known, empty=int((~filled).sum())),
        new_classes=list(named),
    )


def _places(table: "pd.DataFrame", items: list[str]) -> "tuple[np.ndarray, np.ndarray]":
    """Position of each row's item, -1 where there is none, and which those are.

    Windows does not tell cases apart, so a path that differs only there is the same image.
    """
    import pandas as pd

    code, folders = pd.factorize(table["RelativePath"])  # a folder holds many files
    starts = np.array([_folder(name) for name in folders], dtype=object)
    file = table["File"].str.strip().str.replace("\\", "/", regex=False)
    path = starts[code] + file.to_numpy(dtype=object)
    place = pd.Index(items, dtype=object).get_indexer(pd.Index(path))
    if (place < 0).any():
        folded = pd.Series(np.arange(len(items)), index=pd.Index(items).str.casefold())
        folded = folded[~folded.index.duplicated(keep=False)]
        again = pd.Series(path[place < 0].tolist(), dtype=str).str.casefold().map(folded)
        place[place < 0] = again.fillna(-1).astype(int).to_numpy()
    return place, place < 0


def _folder(name: str) -> str:
    """What stands before the file name in an item."""
    folder = name.strip().replace("\\", "/").removeprefix("./").strip("/")
    return f"{folder}/" if folder else ""


def _answers(
    species: "pd.Series", classes: Sequence[str], *, accept_new: bool
) -> "tuple[pd.Series, dict[str, str], set[str]]":
    """The answer of each row, NA where unknown; why, by species; and which answers are new."""
    known = {class_key(name): name for name in (*NO_LABEL, *classes)}
    meaning: dict[str, str] = {}
    strange: dict[str, str] = {}
    new: set[str] = set()
    for name in species.unique():
        if name in classes:
            meaning[name] = name
        elif class_key(name) in known:
            meaning[name] = known[class_key(name)]
        elif accept_new:
            meaning[name] = known[class_key(name)] = class_key(name)
            new.add(class_key(name))
        else:
            strange[name] = _unknown(name, classes)
    return species.map(meaning), strange, new


def _unknown(name: str, classes: Sequence[str]) -> str:
    if said := _SAID.get(class_key(name)):
        return f"unknown species {name!r}; write {said} where that is meant"
    near = get_close_matches(class_key(name), classes, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(classes[:_SHOWN])}"
    return f"unknown species {name!r}; {hint}" + ("" if near or len(classes) <= _SHOWN else ", ...")


def _clashes(taken: "pd.DataFrame") -> dict[int, str]:
    """Rows that say of one image what another row says as well, or something else."""
    found: dict[int, str] = {}
    repeated = taken[taken["place"].duplicated(keep=False)]
    for _, group in repeated.groupby("place"):
        rows = group.index.tolist()
        said = sorted(set(group["answer"]))
        if len(said) > 1:
            text = f"conflict: rows {', '.join(map(str, rows))} say {' and '.join(said)}"
            found |= dict.fromkeys(rows, text)
        else:
            found |= dict.fromkeys(rows[1:], f"duplicate of row {rows[0]}, which was taken")
    return found


def _notes(
    unasked: "pd.DataFrame", items: Sequence[str], known: Mapping[str, str], *, empty: int
) -> list[str]:
    """What became of rows that are no problem and no answer."""
    import pandas as pd

    before = pd.Series(np.asarray(items, dtype=object)[unasked["place"].to_numpy()]).map(known)
    same = (before == unasked["answer"].to_numpy()).to_numpy()
    other = before.notna().to_numpy() & ~same
    counts = {
        "rows without a species": empty,
        "labels that were taken before": int(same.sum()),
        "labels that differ from those taken before; to correct one, use label.py import": int(
            other.sum()
        ),
        "labels ignored, of images that were not selected": int((~same & ~other).sum()),
    }
    return [f"{count} {what}" for what, count in counts.items() if count]


def _listed(rows: "pd.DataFrame", problem: "np.ndarray") -> "pd.DataFrame":
    return rows.assign(problem=problem).rename_axis("row").reset_index()
