"""What a round may learn from: labels known before the run, and answers to earlier queries."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from classification.errors import FieldmarkError
from classification.labelling.store import Decision

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 10


def training_table(
    known: Mapping[str, str], decisions: Mapping[str, Decision], *, before_round: int
) -> "pd.DataFrame":
    """The training table of a round (`schemas.TrainTable`), in order of path.

    Args:
        known: label per crop path from before the run; a later decision overrides it.
        decisions: the current decision per crop path.
        before_round: answers to queries of this round and later ones are left out.
    """
    import pandas as pd

    columns = ["path", "label", "source", "annotator", "round"]
    rows = {path: (path, label, "table", "", -1) for path, label in known.items()}
    for path, decision in decisions.items():
        if decision.round >= before_round:
            continue
        rows.pop(path, None)  # unsure or excluded: no longer a label
        if label := decision.single:  # several species in one image are no single-label example
            rows[path] = (path, label, decision.source, decision.annotator, decision.round)
    return pd.DataFrame([rows[path] for path in sorted(rows)], columns=columns)


def with_new_classes(classes: tuple[str, ...], table: "pd.DataFrame") -> tuple[str, ...]:
    """`classes`, and behind them in order of name the labels of a training table that are new.

    What a number meant to earlier rounds it means to this one.
    """
    return (*classes, *sorted(set(table["label"]) - set(classes)))


def class_ids(table: "pd.DataFrame", classes: tuple[str, ...]) -> list[int]:
    """Class id of each row of a training table.

    Raises:
        FieldmarkError: labels that are not known classes, each with the first items that have it.
    """
    ids = {name: i for i, name in enumerate(classes)}
    strange = table[~table["label"].isin(list(classes))]
    if len(strange):
        problems = [
            f"{label!r}: {len(rows)} items, such as {rows['path'].iloc[0]}"
            for label, rows in list(strange.groupby("label"))[:_SHOWN]
        ]
        raise FieldmarkError.from_problems(
            f"labels that are not known classes ({', '.join(classes)}); correct them in the label "
            "store, or take them as new classes with labels.new_classes: accept:",
            problems,
        )
    return [ids[label] for label in table["label"]]
