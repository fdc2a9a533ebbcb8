"""Every figure of a run, as matplotlib figures that nobody has to close.

All take `theme` (`LIGHT` or `DARK`), are legible 800 px wide and label directly where they can.
`save` writes a file; `to_svg` gives text for a page.
"""

from classification.evaluation.ranking_figures import precision_recall
from classification.evaluation.render import save, to_svg
from classification.evaluation.round_figures import (
    expected_curve,
    learning_curve,
    queried_classes,
)
from classification.evaluation.score_figures import (
    confusion_matrix,
    per_class,
    per_location,
    reliability_diagram,
)
from classification.evaluation.theme import DARK, LIGHT, Theme
from classification.evaluation.thumbnails import contact_sheet

__all__ = [
    "DARK",
    "LIGHT",
    "Theme",
    "confusion_matrix",
    "contact_sheet",
    "expected_curve",
    "learning_curve",
    "per_class",
    "per_location",
    "precision_recall",
    "queried_classes",
    "reliability_diagram",
    "save",
    "to_svg",
]
