"""Decisions for the tests of labelling."""

from classification.labelling.store import Decision


def decision(item, label="fox", **changes):
    values = {
        "item": item,
        "verdict": "label" if label else "unsure",
        "label": label,
        "annotator": "ann",
        "source": "app",
        "round": 0,
    }
    return Decision(**(values | changes))
