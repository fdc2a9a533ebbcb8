"""The Model tab: which network is trained, on what loss, and how unlabelled images take part."""

from html import escape

import panel as pn

from classification.app.form import Form
from classification.app.look import (
    card,
    choice,
    html,
    keep_looking,
    number,
    page,
    problem,
    switch,
    widget,
)
from classification.app.recipe import describe
from classification.app.state import AppState
from classification.app.workbench import Workbench, workbench
from classification.errors import FieldmarkError
from classification.learning.network_config import LAYERS_HELP

TAB = "Model"
_OUTPUTS = {
    "one class per image (softmax)": "softmax",
    "any number of classes (sigmoid)": "sigmoid",
    "any number, hard images first (focal)": "focal",
}
_POOLINGS = {"average": "average", "maximum": "max", "flatten": "flatten"}


def model_tab(state: AppState) -> pn.viewable.Viewable:
    """The tab for one browser."""
    return _ModelTab(workbench(state)).view


class _ModelTab:
    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._line = html()
        network, fixmatch = bench.recipe.network, bench.recipe.fixmatch
        self._form = Form(
            TAB,
            bench,
            {
                "layers": widget(
                    pn.widgets.TextInput,
                    "Layers",
                    network.layers,
                    placeholder="none: a linear classifier; or such as 32,p,64,r,d",
                ),
                "pooling": choice("Global pooling of feature maps", network.pooling, _POOLINGS),
                "kernel_size": choice("Side of convolutions", network.kernel_size, _sides()),
                "dropout": number("Dropout of each d", network.dropout, step=0.05),
                "batch_norm": switch("Batch normalisation", network.batch_norm),
                "separable": switch("Separable convolutions", network.separable),
                "output": choice("Output", fixmatch.output, _OUTPUTS),
                "label_smoothing": number("Label smoothing", fixmatch.label_smoothing, step=0.05),
                "focal_gamma": number("Focus of the focal loss γ", fixmatch.focal_gamma, step=0.5),
                "weight": number("Weight of unlabelled images λ (0: off)", fixmatch.weight),
                "threshold": number(
                    "Confidence of a pseudo-label τ", fixmatch.threshold, step=0.01
                ),
                "ratio": number("Unlabelled per labelled image μ", fixmatch.ratio),
                "strong_noise": number("Strong noise, in σ", fixmatch.strong_noise, step=0.1),
                "strong_dropout": number("Strong dropout", fixmatch.strong_dropout, step=0.05),
            },
            changed=self._draw,
        )
        self.view = page(pn.Row(*self._cards(), sizing_mode="stretch_width"), self._summary())
        self._draw()
        keep_looking(self._form.show)

    def _cards(self) -> list[pn.Column]:
        made = self._form.widgets
        maps = self._bench.inputs is not None and self._bench.inputs.ndim == 4
        for name in ("pooling", "kernel_size", "separable"):
            made[name].disabled = not maps
        return [
            card(
                "Network",
                *(made[name] for name in ("layers", "pooling", "kernel_size", "dropout")),
                *(made[name] for name in ("batch_norm", "separable")),
                hint=f"{LAYERS_HELP[0].upper()}{LAYERS_HELP[1:]}.",
                min_height=400,
            ),
            card(
                "Output and loss",
                *(made[name] for name in ("output", "label_smoothing", "focal_gamma")),
                hint="Where a class of an image is not known, it adds nothing to the loss.",
                min_height=400,
            ),
            card(
                "Unlabelled images (FixMatch)",
                *(made[name] for name in ("weight", "threshold", "ratio")),
                *(made[name] for name in ("strong_noise", "strong_dropout")),
                hint="What the model is sure of on a weakly disturbed image is taught on the "
                "strongly disturbed one.",
                min_height=400,
            ),
        ]

    def _summary(self) -> pn.Column:
        return card("The model", self._line)

    def _draw(self) -> None:
        bench, output = self._bench, self._bench.recipe.fixmatch.output
        self._form.widgets["label_smoothing"].disabled = output == "focal"
        self._form.widgets["focal_gamma"].disabled = output != "focal"
        wrong = bench.problems.get(TAB, "")
        if bench.inputs is None:
            wrong = "There are no embeddings to train on yet."
        if wrong:
            self._line.object = problem(wrong)
            return
        try:
            text = describe(bench.recipe, bench.inputs.shape[1:], len(bench.state.classes))  # type: ignore[union-attr]
        except FieldmarkError as error:
            self._line.object = problem(str(error))
            return
        later = "Train it on the Train tab."
        self._line.object = f'<div class="line">{escape(text)}</div><p class="hint">{later}</p>'


def _sides() -> dict[str, int]:
    return {f"{side} x {side}": side for side in (1, 3, 5, 7)}
