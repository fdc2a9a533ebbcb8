"""The Train tab: the step in the background, its loss, and what the model says of each class."""

from html import escape

import panel as pn

from classification.app.charts import histogram_chart, loss_chart
from classification.app.form import Form
from classification.app.look import (
    button,
    card,
    choice,
    html,
    keep_looking,
    number,
    page,
    problem,
    switch,
)
from classification.app.state import AppState
from classification.app.tables import score_table
from classification.app.workbench import Workbench, workbench
from classification.errors import FieldmarkError

TAB = "Train"


def train_tab(state: AppState) -> pn.viewable.Viewable:
    """The tab for one browser."""
    return _TrainTab(workbench(state)).view


class _TrainTab:
    def __init__(self, bench: Workbench) -> None:
        self._bench, self._seen, self._said = bench, -1, ""
        fixmatch = bench.recipe.fixmatch
        self._form = Form(
            TAB,
            bench,
            {
                "batch_size": number("Batch size (labelled images)", fixmatch.batch_size),
                "samples_per_epoch": number("Samples per epoch", fixmatch.samples_per_epoch),
                "epochs": number("Epochs, at most", fixmatch.epochs),
                "patience": number("Epochs without a better validation loss", fixmatch.patience),
                "learning_rate": number("Learning rate", fixmatch.learning_rate, step=1e-4),
                "weight_decay": number("Weight decay", fixmatch.weight_decay, step=0.01),
                "class_balanced": switch("Draw every class equally often", fixmatch.class_balanced),
            },
            changed=self._draw,
        )
        self._update = switch("Update predictions on all images", True)
        self._start = button("Train", self._train, main=True, width=110)
        self._stop = button("Stop", self._bench.stop, width=80)
        self._take = button("Update predictions now", self._bench.take_over, width=190)
        self._status, self._loss, self._table = html(), html(), html(margin=(4, 12, 10, 12))
        self._classes = choice("Class", None, self._names())
        self._classes.param.watch(lambda _: self._draw_scores(), "value")
        self._histogram = html()
        self.view = page(pn.Row(self._controls(), self._figures(), sizing_mode="stretch_width"))
        self._look()
        keep_looking(self._look)

    def _controls(self) -> pn.Column:
        return card(
            "Training",
            *self._form.widgets.values(),
            self._update,
            pn.Row(self._start, self._stop),
            self._status,
            self._take,
            hint="In the background: labelling goes on meanwhile.",
            sizing_mode=None,
            width=300,
        )

    def _figures(self) -> pn.Column:
        return pn.Column(
            card("Loss", self._loss),
            card("Scores of a class", self._classes, self._histogram),
            card("All classes", self._table),
            sizing_mode="stretch_width",
        )

    def _train(self) -> None:
        self._said = ""
        try:
            self._bench.train(update=self._update.value)
        except FieldmarkError as error:
            self._said = str(error)
        self._draw()

    def _look(self) -> None:
        self._form.show()
        report = self._bench.training
        if self._seen != self._bench.version:
            self._draw()
        elif report.running:
            self._status.object = self._progress()

    def _draw(self) -> None:
        bench = self._bench
        moved, self._seen = self._seen != bench.version, bench.version
        self._start.disabled = bench.busy or bool(bench.problems)
        self._stop.disabled = not bench.training.running
        self._take.visible = bench.waiting is not None and not bench.busy
        self._status.object = self._progress()
        if moved and bench.losses.steps:
            self._loss.object = loss_chart(bench.losses)
        elif not bench.losses.steps:
            self._loss.object = '<p class="hint">The loss appears here while training runs.</p>'
        if not bench.training.running:
            self._draw_scores()

    def _progress(self) -> str:
        bench, report = self._bench, self._bench.training
        wrong = self._said or report.problem
        wrong = wrong or "\n".join(f"{tab}: {text}" for tab, text in bench.problems.items())
        parts = []
        if report.text:
            time = f"{report.seconds:.0f} s"
            parts.append(f'<div class="line" role="status">{escape(report.text)}, {time}</div>')
        losses = bench.losses
        if report.running and losses.used:
            share = losses.steps / losses.total
            parts.append(
                f'<p class="hint">step {losses.steps} of {losses.total}, {bench.parameters:,} '
                f"weights, pseudo-labels on {losses.used[-1]:.0%} of the unlabelled</p>"
                f'<div class="track"><div style="width: {share:.1%}"></div></div>'
            )
        return "".join([*parts, problem(wrong)])

    def _names(self) -> list[str]:
        return list(self._bench.state.classes)

    def _draw_scores(self) -> None:
        names = self._names()
        if self._classes.options != names:
            self._classes.options = names
        scores = self._bench.scores
        if scores is None:
            self._histogram.object = (
                '<p class="hint">Train a model to see how it scores images that show a class '
                "and images that do not.</p>"
            )
            self._table.object = ""
            return
        chosen = next((c for c in scores.classes if c.name == self._classes.value), None)
        self._histogram.object = histogram_chart(chosen) if chosen else ""
        self._table.object = score_table(scores, self._classes.value or "")
