"""The oracle: answers queries with the labels that the table already holds."""

from collections.abc import Mapping, Sequence

from classification.labelling.store import Decision, LabelStore


def answer(
    store: LabelStore, items: Sequence[str], truth: Mapping[str, str], *, round_number: int
) -> int:
    """Reveal the hidden labels of the `items` that have no decision yet.

    Args:
        store: where the decisions go.
        items: crop paths of a query.
        truth: hidden label per crop path; an item without one is answered `unsure`.
        round_number: the round whose query this is.

    Returns:
        How many decisions were added; 0 when called again.
    """
    return store.add(
        Decision(
            item=item,
            verdict="label" if item in truth else "unsure",
            label=truth.get(item),
            annotator="oracle",
            source="oracle",
            round=round_number,
        )
        for item in store.undecided(items)
    )
