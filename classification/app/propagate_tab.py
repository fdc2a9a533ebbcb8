"""The Propagate tab: labels spread along the neighbour graph, and people look at the doubtful."""

from html import escape
from typing import Any

import numpy as np
import panel as pn
from numpy.typing import NDArray

from classification.app.look import (
    button,
    card,
    choice,
    good,
    html,
    keep_looking,
    number,
    page,
    problem,
    switch,
    widget,
)
from classification.app.propagate import Guesses, PropagateOptions
from classification.app.review import (
    ALL,
    DISPUTED,
    Standing,
    accept,
    standing,
    to_accept,
    to_review,
    withdraw,
)
from classification.app.state import AppState
from classification.app.tables import agreement_table, percent
from classification.app.workbench import Workbench, workbench
from classification.errors import FieldmarkError


def propagate_tab(state: AppState) -> pn.viewable.Viewable:
    """The tab for one browser."""
    return _PropagateTab(workbench(state)).view


class _PropagateTab:
    def __init__(self, bench: Workbench) -> None:
        self._bench, self._state = bench, bench.state
        self._seen = -1
        self._compared: tuple[Any, Any] = (None, None)
        self._said, self._accepted = "", ([], "")
        options = bench.options
        self._fields = {
            "k": number("Neighbours of each image", options.k),
            "temperature": number("Temperature of the weights", options.temperature, step=0.01),
            "alpha": number("Reach α", options.alpha, step=0.01),
            "class_balanced": switch("Every class weighs the same", options.class_balanced),
        }
        for made in self._fields.values():
            made.param.watch(lambda _: self._set(), "value")
        self._start = button("Propagate", self._propagate, main=True, width=110)
        self._stop = button("Stop", bench.stop, width=80)
        self._status, self._agreement, self._table = html(), html(), html(margin=(4, 12, 10, 12))
        self._which = choice("Which", ALL, self._kinds())
        self._review = button("Review the least sure first", self._propose, main=True, width=220)
        self._least = number("Certainty of at least", 0.5, step=0.05)
        self._agreed = switch("Only where the model says the same", True)
        for made in (self._least, self._agreed, self._which):
            made.param.watch(lambda _: self._draw(), "value")
        self._who = widget(pn.widgets.TextInput, "In the name of", self._state.annotator)
        self._ask = button("Accept …", self._sure, width=220)
        self._yes = button("Yes, accept them", self._accept, main=True, width=150)
        self._no = button("No", lambda: self._sure(False), width=60)
        self._undo = button("Take the accepted ones back", self._withdraw, width=220)
        self._proposed, self._decided, self._worth = html(), html(), html()
        self.view = page(pn.Row(self._controls(), self._results(), sizing_mode="stretch_width"))
        self._sure(False)
        self._draw()
        keep_looking(self._look)

    def _controls(self) -> pn.Column:
        return card(
            "Propagation",
            *self._fields.values(),
            pn.Row(self._start, self._stop),
            self._status,
            hint="What the labels say of every other image, along the graph of nearest neighbours.",
            sizing_mode=None,
            width=300,
        )

    def _results(self) -> pn.Column:
        confirm = pn.Row(self._yes, self._no)
        return pn.Column(
            card("Propagation and model", self._agreement, self._table),
            pn.Row(
                card("Review", self._which, self._review, self._proposed, min_height=275),
                card(
                    "Accept",
                    *(self._least, self._agreed, self._worth, self._who),
                    *(self._ask, confirm, self._undo, self._decided),
                    hint="Accepted pseudo-labels are decisions of yours; nothing is accepted by "
                    "itself.",
                    min_height=275,
                ),
                sizing_mode="stretch_width",
            ),
            sizing_mode="stretch_width",
        )

    def _set(self) -> None:
        values = {name: made.value for name, made in self._fields.items()}
        try:
            if None in values.values():
                raise FieldmarkError("no number given")
            self._bench.options = PropagateOptions(**values)
        except FieldmarkError as error:
            self._said = str(error)
        else:
            self._said = ""
        self._draw()

    def _propagate(self) -> None:
        self._set()
        if not self._said:
            self._try(self._bench.propagate)

    def _try(self, work: object) -> None:
        try:
            work()  # type: ignore[operator]
            self._said = ""
        except FieldmarkError as error:
            self._said = str(error)
        self._draw()

    def _look(self) -> None:
        report = self._bench.propagation
        if self._seen != self._bench.version or report.running:
            self._seen = self._bench.version
            self._draw_step()
        guesses, probs = self._compared
        if self._bench.guesses is not guesses or self._state.probs is not probs:
            self._draw()

    def _progress(self) -> str:
        report = self._bench.propagation
        line = f"{escape(report.text)}, {report.seconds:.0f} s" if report.text else ""
        wrong = self._said or report.problem
        return f'<div class="line" role="status">{line}</div>{problem(wrong)}'

    def _draw_step(self) -> None:
        """What may change several times a second, beside people who label."""
        self._start.disabled = self._bench.busy
        self._stop.disabled = not self._bench.propagation.running
        self._status.object = self._progress()

    def _draw(self) -> None:
        """All; over 100,000 images it takes 0.05 s."""
        guesses = self._bench.guesses
        self._compared = guesses, self._state.probs
        self._draw_step()
        if self._which.options != self._kinds():
            self._which.options = self._kinds()
        for made in (self._which, self._review, self._ask, self._least, self._agreed, self._who):
            made.disabled = guesses is None
        self._undo.visible = bool(self._accepted[0])
        if guesses is None:
            text = "Propagate labels to compare them with the model's predictions here."
            self._agreement.object = f'<p class="hint">{text}</p>'
            return
        found = standing(self._state, guesses)
        self._agreement.object = _sentences(found)
        names = self._state.classes
        table = "" if found.crossed is None else agreement_table(found.crossed, names)
        self._table.object = table
        rows, judged, right = self._acceptable(guesses)
        self._ask.label = f"Accept {len(rows):,} pseudo-labels …"
        self._worth.object = (
            f'<p class="hint">Of {judged:,} validation images as sure, {percent(right)} are '
            "right.</p>"
        )

    def _propose(self) -> None:
        guesses = self._bench.guesses
        if guesses is None:
            return
        order = to_review(self._state, guesses, self._which.value)
        self._state.propose("Propagation: least sure", order)
        text = f"The Label tab shows {len(order):,} images, the least sure first."
        self._proposed.object = good(text)

    def _kinds(self) -> dict[str, str]:
        """What can be reviewed: all, the disputed, or what is taken for one class."""
        taken = {f"taken for {name}": name for name in self._state.classes}
        return {ALL: ALL, DISPUTED: DISPUTED, **taken}

    def _acceptable(self, guesses: Guesses) -> tuple[NDArray[np.intp], int, float | None]:
        least = self._least.value or 0.0
        return to_accept(self._state, guesses, least=least, agreed=self._agreed.value)

    def _sure(self, asked: bool = True) -> None:
        """Ask once more, since so much is decided by one click."""
        self._yes.visible = self._no.visible = asked
        self._ask.visible = not asked

    def _accept(self) -> None:
        guesses, least = self._bench.guesses, self._least.value or 0.0
        self._sure(False)
        if guesses is None:
            return
        who = self._who.value

        def work() -> None:
            rows, *_ = self._acceptable(guesses)
            items = accept(self._state, guesses, rows, least=least, annotator=who)
            self._accepted = (items, who)
            text = f"{len(items):,} pseudo-labels accepted as decisions of {who}."
            self._decided.object = good(text)

        self._try(work)

    def _withdraw(self) -> None:
        items, who = self._accepted

        def work() -> None:
            count = withdraw(self._state, items, annotator=who)
            self._accepted = ([], "")
            self._decided.object = good(f"{count:,} accepted labels taken back.")

        self._try(work)


def _sentences(found: Standing) -> str:
    text = (
        f"On the labels of validation images propagation is right in {percent(found.right)}, the "
        f"model in {percent(found.model_right)}."
    )
    if found.agreed is not None:
        text += f" They agree on {percent(found.agreed)} of {found.unlabelled:,} unlabelled images."
    return f'<div class="line">{text}</div>'
