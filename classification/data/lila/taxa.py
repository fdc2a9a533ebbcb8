"""LILA's taxonomy mapping: which of each dataset's labels are a taxon, at any rank."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from classification.errors import FieldmarkError

RANKS = (
    "kingdom", "phylum", "subphylum", "superclass", "class", "subclass", "infraclass",
    "superorder", "order", "suborder", "infraorder", "superfamily", "family", "subfamily", "tribe",
    "genus", "subgenus", "species", "subspecies", "variety",
)  # fmt: skip
_NAMES = ("scientific_name", "common_name", "query")
EMPTY_LABELS = frozenset({"empty", "misfire", "blank", "nothing", "nothinghere"})
"""Labels that say that nothing is in the image; all others without a taxon say something else."""
EMPTY = "empty"
_PEOPLE = "homo sapiens"


def read_taxonomy(path: Path) -> pd.DataFrame:
    """One row per label of a dataset.

    Returns:
        dataset_name, query (the dataset's label), scientific_name, common_name and `RANKS`, all
        text in lower case except dataset_name; empty where a rank is not known.

    Raises:
        FieldmarkError: not the mapping.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise FieldmarkError(f"the taxonomy mapping cannot be read: {path}: {error}") from error
    missing = [c for c in ("dataset_name", *_NAMES) if c not in table]
    if missing:
        raise FieldmarkError(f"{path} is no taxonomy mapping: it lacks {', '.join(missing)}")
    table = table.reindex(columns=["dataset_name", *_NAMES, *RANKS], fill_value="")
    for column in table.columns:
        table[column] = table[column].str.strip()
        if column != "dataset_name":
            table[column] = table[column].str.lower()
    return table


def labels_of(taxonomy: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """Which rows of the mapping belong to any of `names`.

    Args:
        taxonomy: as from `read_taxonomy`.
        names: taxa of any rank, common names or labels; ``*`` for anything; ``genus:rattus``.

    Raises:
        FieldmarkError: all names that fit no row, with similar ones.
    """
    chosen = pd.Series(False, index=taxonomy.index)
    problems = []
    for name in names:
        rows = _named(taxonomy, name.strip().lower())
        if not rows.any():
            problems.append(f"{name!r}{_similar(taxonomy, name)}")
        chosen |= rows
    if problems:
        raise FieldmarkError.from_problems(
            "no label of the datasets chosen is a taxon, common name or label of these names:",
            problems,
        )
    return chosen


def animals(taxonomy: pd.DataFrame) -> pd.Series:
    """Rows with a taxon other than people, whose images are not published."""
    name = taxonomy["scientific_name"]
    return (name != "") & ~name.str.startswith(_PEOPLE)


def class_names(taxonomy: pd.DataFrame, by: str) -> pd.Series:
    """What each row's label is called: its `by`, else its scientific name, else the label."""
    column = "query" if by == "original_label" else by
    name = taxonomy[column]
    for fallback in ("scientific_name", "query"):
        name = name.where(name != "", taxonomy[fallback])
    return name.where(~taxonomy["query"].isin(EMPTY_LABELS), EMPTY)


def matches(column: pd.Series, pattern: str) -> pd.Series:
    """Which values are `pattern`, in which ``*`` stands for anything; case counts."""
    if "*" not in pattern:
        return (column == pattern).fillna(False)
    fits = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL).fullmatch
    known = {value: bool(value and fits(value)) for value in column.dropna().unique()}
    return pd.Series([known.get(value, False) for value in column], index=column.index, dtype=bool)


def _named(taxonomy: pd.DataFrame, name: str) -> pd.Series:
    if not name:
        return pd.Series(False, index=taxonomy.index)
    rank, colon, rest = name.partition(":")
    if colon and rank in (*RANKS, *_NAMES):
        columns, name = [taxonomy[rank]], rest.strip()
    else:
        binomial = taxonomy["genus"] + " " + taxonomy["species"]
        columns = [taxonomy[c] for c in (*_NAMES, *RANKS)] + [binomial]
    found = pd.Series(False, index=taxonomy.index)
    for column in columns:
        found |= matches(column, name)
    return found


def _similar(taxonomy: pd.DataFrame, name: str) -> str:
    known = {value for c in (*_NAMES, *RANKS) for value in taxonomy[c].unique() if value}
    bare = name.rpartition(":")[2].strip("* ").lower()
    close = get_close_matches(bare, known, n=4) or sorted(v for v in known if bare in v)[:4]
    return f" (similar: {', '.join(close)})" if close else ""
