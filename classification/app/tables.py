"""Tables of the Train and Propagate tabs, as HTML."""

from html import escape

import numpy as np
from numpy.typing import NDArray

from classification.app.scores import ClassScores, ModelScores

_MOST = 20  # classes in the table of agreement
_LYING = 7  # columns whose names can lie side by side


def percent(share: float | None) -> str:
    """A share for people."""
    return "–" if share is None else f"{share:.0%}"


def score_table(scores: ModelScores, chosen: str) -> str:
    """AUC and accuracy of every class, as HTML."""
    overall = (
        f'<p class="hint">Right on {percent(scores.train_accuracy)} of the training and '
        f"{percent(scores.validation_accuracy)} of the validation labels.</p>"
    )
    columns = "<th>images</th><th>AUC</th><th>accuracy</th>"
    head = (
        '<tr><th class="name"></th><th class="part" colspan="3">train</th>'
        '<th class="part" colspan="3">validation</th></tr>'
        f'<tr><th class="name">class</th>{columns * 2}</tr>'
    )
    rows = "".join(_row(c, chosen=c.name == chosen) for c in scores.classes)
    return f"{overall}<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _row(scores: ClassScores, *, chosen: bool) -> str:
    cells = []
    for part in (scores.train, scores.validation):
        auc = "–" if part.auc is None else f"{part.auc:.3f}"
        count = int(part.positive.sum())
        cells.append(f"<td>{count:,}</td><td>{auc}</td><td>{percent(part.accuracy)}</td>")
    name = escape(scores.name)
    kind = ' class="chosen"' if chosen else ""
    return f'<tr{kind}><td class="name" title="{name}">{name}</td>{"".join(cells)}</tr>'


def agreement_table(counts: NDArray[np.int64], classes: list[str]) -> str:
    """What propagation says (rows) beside what the model says (columns), as HTML.

    Args:
        counts: int64 [C, C]; the classes with most images are shown.
        classes: C names.
    """
    most = np.argsort(-(counts.sum(axis=0) + counts.sum(axis=1)), kind="stable")[:_MOST]
    shown = np.sort(most)
    top = max(1, int(counts[np.ix_(shown, shown)].max(initial=0)))
    names = [escape(name) for name in classes]
    head = "".join(
        f'<th class="cell" title="{names[c]}"><span>{names[c]}</span></th>' for c in shown
    )
    rows = []
    for r in shown:
        cells = []
        for c in shown:
            value = int(counts[r, c])
            colour = "--first" if r == c else "--second"
            tint = round(55 * value / top + (5 if value else 0))
            style = f"background: color-mix(in srgb, var({colour}) {tint}%, transparent)"
            cells.append(f'<td class="cell" style="{style}">{value or ""}</td>')
        rows.append(f'<tr><td class="name">{names[r]}</td>{"".join(cells)}</tr>')
    left = len(classes) - len(shown)
    note = f'<p class="hint">{left} rarer classes are not shown.</p>' if left else ""
    return (
        f'<table class="crossed{" upright" if len(shown) > _LYING else ""}"><thead><tr>'
        f'<th class="name">propagation ↓ model →</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>{note}"
    )
