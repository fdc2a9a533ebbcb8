"""Rules about labels: spelling, the category map, labels nobody confirmed, labels of bursts."""

from typing import Literal

import numpy as np
import pandas as pd

from classification.data.boxes import as_boxes
from classification.data.cct import UNLABELLED
from classification.data.clean.category_map import CategoryMap, normalise
from classification.data.clean.draft import Draft, box_values
from classification.errors import FieldmarkError

EMPTY = "empty"
"""The field's name for a frame without an animal (category 0 of COCO Camera Traps)."""

_SPECIAL = (EMPTY, UNLABELLED)
_SHOWN = 12


def clean_labels(draft: Draft) -> Draft:
    """Labels in one spelling; a blank one becomes `UNLABELLED`."""
    return draft.set_annotations(label=normalise(draft.annotations["label"]).fillna(UNLABELLED))


def apply_map(
    draft: Draft, mapping: CategoryMap, unmapped: Literal["keep", "drop", "error"]
) -> Draft:
    """Rename, merge and drop labels; report those that the map does not name.

    Raises:
        FieldmarkError: `unmapped` is ``error`` and there are such labels.
    """
    label = draft.annotations["label"]
    counts = label.value_counts()
    missing = [n for n in counts.index if n not in mapping.targets and n not in _SPECIAL]
    unused = [name for name in mapping.targets if name not in counts.index]
    if missing and unmapped == "error":
        raise FieldmarkError.from_problems(
            f"the category map does not name {len(missing)} labels; add them, or choose "
            "--unmapped keep or drop:",
            [f"{name} ({counts[name]})" for name in missing],
        )
    if missing:
        verb = {"keep": "kept", "drop": "dropped"}[unmapped]
        draft = draft.note(f"labels not in the category map, {verb}: {_list(missing, counts)}")
    if unused:
        draft = draft.note(f"labels of the category map that no dataset has: {', '.join(unused)}")
    dropped = {name for name, target in mapping.targets.items() if target is None}
    draft = _drop_labels(draft, dropped, "dropped_by_map")
    if unmapped == "drop":
        draft = _drop_labels(draft, set(missing), "not_in_map")
    renames = {a: b for a, b in mapping.targets.items() if b is not None and a != b}
    renamed = draft.annotations["label"].isin(list(renames))
    targets = draft.annotations.loc[renamed, "label"].map(renames)
    return draft.change(renamed, "renamed", label=targets)


def judge_validation(draft: Draft, policy: Literal["unlabel", "keep", "drop"]) -> Draft:
    """Labels that a model gave and nobody confirmed (Animl's ``validated: false``)."""
    machine = (draft.annotations["validated"] == False).fillna(False)  # noqa: E712 NA is no False
    machine &= draft.annotations["label"] != UNLABELLED
    return _judge(draft, machine, policy, "unvalidated")


def judge_sequence_labels(
    draft: Draft, policy: Literal["single", "keep", "unlabel", "drop"]
) -> Draft:
    """Labels given to a whole burst.

    ``single`` keeps them where the burst carries one species. Where it carries several, nobody
    said which frame shows which: that is how boars labelled junglefowl came into LILA's boar.
    """
    table = draft.annotations
    of_burst = table["sequence_level_annotation"].fillna(False) & ~table["label"].isin(_SPECIAL)
    if policy == "single":
        burst = draft.of_image("dataset") + "\n" + draft.of_image("seq_id")
        species = table["label"].where(of_burst).groupby(burst).transform("nunique")
        of_burst &= (species > 1).fillna(False)
        return _judge(draft, of_burst, "unlabel", "sequence_with_several_labels")
    return _judge(draft, of_burst, policy, "sequence_level")


def drop_contradictions(draft: Draft) -> Draft:
    """``empty`` on an image where somebody saw an animal."""
    table = draft.annotations
    animal = table.loc[~table["label"].isin(_SPECIAL), "image"]
    wrong = (table["label"] == EMPTY) & table["image"].isin(animal)
    return draft.drop_annotations(wrong, "contradicts_other_label")


def drop_repeats(draft: Draft) -> Draft:
    """The same label on the same box twice; labels of a frame that its boxes carry too."""
    table = draft.annotations
    corners = pd.DataFrame(as_boxes(box_values(table)), index=table.index)
    repeated = pd.concat([table[["image", "label"]], corners], axis=1).duplicated()
    draft = draft.drop_annotations(repeated, "duplicate_annotation")
    table = draft.annotations
    boxed = box_values(table).notna()
    key = table["image"].astype("str") + "\n" + table["label"]
    blank = (table["label"] == UNLABELLED) & table["image"].isin(table.loc[boxed, "image"])
    covered = ~boxed & (key.isin(key[boxed]) | blank)
    return draft.drop_annotations(covered, "covered_by_box")


def _judge(draft: Draft, mask: pd.Series, policy: str, reason: str) -> Draft:
    if policy == "keep":
        return draft
    if policy == "drop":
        return draft.drop_annotations(mask, reason)
    return draft.change(mask, reason, label=UNLABELLED)


def _drop_labels(draft: Draft, labels: set[str], reason: str) -> Draft:
    mask = draft.annotations["label"].isin(labels)
    counts = draft.annotations.loc[mask].groupby(["source", "label"]).size()
    rows = pd.DataFrame(
        {
            "kind": "category",
            "id": counts.index.get_level_values("label"),
            "dataset": counts.index.get_level_values("source"),
            "reason": reason,
            "detail": [f"{count} annotations" for count in counts],
        }
    )
    detail = np.asarray(draft.annotations["dataset_class"], dtype=object)
    return draft.drop_annotations(mask, reason, detail).enter(rows)


def _list(names: list[str], counts: pd.Series) -> str:
    shown = ", ".join(f"{name} ({counts[name]})" for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
