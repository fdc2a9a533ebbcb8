"""What an annotator can decide about an item, and what a well-formed decision looks like."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

NO_LABEL = ("unsure", "skip", "exclude")
"""Answers other than a class: cannot tell, ask again later, leave the item out."""
VERDICTS = ("label", "marks", *NO_LABEL, "undo")
"""label: one class; marks: classes present and absent, for multi-label work; undo: take back."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What one annotator decided about one item at one moment."""

    item: str
    """Crop path, as in the classification table."""
    verdict: str
    """One of `VERDICTS`; undo withdraws what this annotator said about the item."""
    label: str | None
    """Class name; only with the verdict `label`."""
    annotator: str
    source: str
    """oracle, timelapse, import, app, or propagation: a pseudo-label the annotator accepted."""
    round: int
    """The round whose query this answers; -1 where it answers none."""
    shown_at: str | None = None
    """ISO 8601 UTC, when the item was put before the annotator."""
    decided_at: str = ""
    """ISO 8601 UTC; filled in by the store when empty."""
    present: tuple[str, ...] = ()
    """Classes that are there; only with the verdict `marks`."""
    absent: tuple[str, ...] = ()
    """Classes that are not there; a class in neither is unknown. Only with `marks`."""

    @property
    def answer(self) -> str:
        """The decision in a word, to be compared with another annotator's."""
        if self.verdict == "label":
            return self.label or ""
        if self.verdict == "marks":
            return " + ".join(sorted(self.present)) or "none of the classes"
        return f"({self.verdict})"

    @property
    def single(self) -> str | None:
        """The one class of the item: its label, or the only class marked present."""
        if self.verdict == "marks" and len(self.present) == 1:
            return self.present[0]
        return self.label

    def problem(self) -> str | None:
        """Why this cannot be stored; None when it can."""
        if self.verdict not in VERDICTS:
            return f"{self.item}: {self.verdict!r} is not one of {', '.join(VERDICTS)}"
        if not self.item or not self.annotator:
            return f"{self.item or 'a decision'}: item and annotator may not be empty"
        if (self.verdict == "label") != bool(self.label):
            return f"{self.item}: a class name goes with the verdict label and no other"
        both = sorted(set(self.present) & set(self.absent))
        if both:
            return f"{self.item}: {', '.join(both)} cannot be both present and absent"
        if self.verdict == "marks":
            return None if self.present or self.absent else f"{self.item}: marks of no class"
        return (
            f"{self.item}: only marks name several classes" if self.present + self.absent else None
        )


def answers(
    items: Iterable[str], labels: Mapping[str, str], *, annotator: str, source: str, number: int
) -> Iterator[Decision]:
    """To the query of round `number`: the label of each item; one without any is unsure."""
    for item in items:
        yield Decision(
            item=item,
            verdict="label" if item in labels else "unsure",
            label=labels.get(item),
            annotator=annotator,
            source=source,
            round=number,
        )


def latest_by_annotator(decisions: Iterable[Decision]) -> dict[tuple[str, str], Decision]:
    """What each annotator says now of each item, by (item, annotator); what is undone is left out.

    Args:
        decisions: oldest first, as is the result.
    """
    latest: dict[tuple[str, str], Decision] = {}
    for decision in decisions:
        key = (decision.item, decision.annotator)
        latest.pop(key, None)
        latest[key] = decision
    return {key: d for key, d in latest.items() if d.verdict != "undo"}


def current_decisions(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """The decision that counts for each item: the latest that its annotator did not take back.

    A skip counts only where nobody answered.

    Args:
        decisions: oldest first, as is the result.
    """
    current: dict[str, Decision] = {}
    for decision in latest_by_annotator(decisions).values():
        before = current.get(decision.item)
        if before is None or decision.verdict != "skip" or before.verdict == "skip":
            current.pop(decision.item, None)
            current[decision.item] = decision
    return current
