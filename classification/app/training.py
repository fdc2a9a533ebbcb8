"""Training in the background: what it learns from, and what its process does."""

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classification.app.marks import UNKNOWN
from classification.app.recipe import Recipe
from classification.app.step import load_array, load_inputs, save_array, working_threads
from classification.errors import FieldmarkError
from classification.paths.app_jobs import StepPaths

if TYPE_CHECKING:
    from classification.app.state import AppState
    from classification.app.step_process import Line
    from classification.learning.fixmatch import FixMatchModel, Progress

_EVERY = 0.1  # seconds between two messages
_BLOCK = 1024  # feature maps pooled at a time


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Which items serve for what.

    Attributes:
        targets: float32 [N, C]: 1 present, 0 absent, NaN unknown or not to be looked at.
        learn: bool [N], items to learn from, labelled or not; labelled ones outside decide when
            training stops.
    """

    targets: NDArray[np.float32]
    learn: NDArray[np.bool_]

    @staticmethod
    def of(
        marks: NDArray[np.int8],
        *,
        validation: NDArray[np.bool_],
        left_out: NDArray[np.bool_],
        one_class: bool,
    ) -> "Lesson":
        """What can be learned from the labels given so far.

        Args:
            marks: int8 [N, C]: 1 present, 0 absent, -1 not known.
            validation: bool [N], items to be kept from training.
            left_out: bool [N], items of no use here at all: excluded ones, and the test split.
            one_class: the output is a softmax.

        Raises:
            FieldmarkError: labels that cannot be learned from, and what would help.
        """
        targets = np.where(marks == UNKNOWN, np.nan, marks).astype(np.float32)
        targets[left_out] = np.nan
        lesson = Lesson(targets=targets, learn=~validation & ~left_out)
        shown = (targets[lesson.learn] == 1).any(axis=0)
        if one_class and int(shown.sum()) < 2:
            raise FieldmarkError(
                f"training items show {int(shown.sum())} of {marks.shape[1]} classes; label items "
                "of two classes at least, on the Label tab"
            )
        if np.isnan(targets[lesson.learn]).all():
            raise FieldmarkError("nothing is labelled yet; label some items on the Label tab")
        return lesson

    @staticmethod
    def of_state(state: "AppState", *, one_class: bool) -> "Lesson":
        """What the labels of an app teach now; no use is made of the test split at all.

        Raises:
            FieldmarkError: as `of`.
        """
        with state.lock:
            return Lesson.of(
                state.marks.values,
                validation=state.validation,
                left_out=state.marks.excluded | (state.items.split == "test"),
                one_class=one_class,
            )


def train(paths: StepPaths, order: dict[str, Any], line: "Line") -> dict[str, Any]:
    """Train and predict; called in the step's process.

    Args:
        paths: holds the arrays targets and learn; probs is written there, and the head where the
            model is one.
        order: recipe, and the inputs [N, D] or [N, H, W, C].
        line: to the app.
    """
    line.graceful = True  # what was learned so far is kept
    line.tell({"stage": "reading the embeddings"})
    recipe = Recipe.from_json(order["recipe"])
    inputs = load_inputs(order)
    maps = inputs.ndim == 4
    if maps and not recipe.network.words and recipe.network.pooling != "flatten":
        inputs = pooled(inputs, recipe.network.pooling)  # nothing is learned before the pooling
    targets, learn = load_array(paths, "targets"), load_array(paths, "learn")
    model = _fit(recipe, inputs, targets, learn, line)
    line.tell({"stage": f"predicting {len(inputs):,} items"})
    save_array(paths, "probs", model.predict(inputs))
    if recipe.one_class and not maps:
        _save_head(paths, model, targets.shape[1])
    return {"held_out": model.held_out}


def pooled(maps: NDArray[np.floating], pooling: str) -> NDArray[np.float32]:
    """Global average or maximum of feature maps: [N, H, W, C] to float32 [N, C]."""
    out = np.empty((len(maps), maps.shape[3]), dtype=np.float32)
    for start in range(0, len(maps), _BLOCK):
        block = np.asarray(maps[start : start + _BLOCK], dtype=np.float32)
        across = block.mean(axis=(1, 2)) if pooling == "average" else block.max(axis=(1, 2))
        out[start : start + _BLOCK] = across
    return out


def _fit(
    recipe: Recipe,
    inputs: NDArray[np.floating],
    targets: NDArray[np.float32],
    learn: NDArray[np.bool_],
    line: "Line",
) -> "FixMatchModel":
    import torch

    from classification.learning.fixmatch import fit_fixmatch
    from classification.learning.network import build_network, n_parameters

    torch.set_num_threads(working_threads())
    network = build_network(recipe.network, inputs.shape[1:], targets.shape[1], seed=recipe.seed)
    line.tell({"stage": "training", "parameters": n_parameters(network)})
    report = _Report(line)
    model = fit_fixmatch(
        inputs,
        targets,
        config=recipe.fixmatch,
        seed=recipe.seed,
        mask=learn,
        pool=learn,
        per_channel=inputs.ndim == 4,
        on_step=report,
        network=network,
    )
    report.send()
    return model


class _Report:
    """Gathers steps into a few messages a second."""

    def __init__(self, line: "Line") -> None:
        self._line, self._steps, self._sent = line, [], 0.0
        self._total = 0

    def __call__(self, progress: "Progress") -> bool:
        if not math.isfinite(progress.labelled + progress.unlabelled):
            raise FieldmarkError(
                f"training ran away in step {progress.step}: the loss is no longer a number. Lower "
                "the learning rate, or take fewer layers"
            )
        self._total = progress.steps
        self._steps.append(
            [
                progress.step,
                progress.labelled,
                progress.unlabelled,
                progress.used,
                progress.held_out,
            ]
        )
        if time.monotonic() - self._sent > _EVERY:
            self.send()
            self._sent = time.monotonic()
        return not self._line.stopping

    def send(self) -> None:
        """What was gathered."""
        if self._steps:
            self._line.tell({"steps": self._steps, "of": self._total})
        self._steps = []


def _save_head(paths: StepPaths, model: "FixMatchModel", n_classes: int) -> None:
    """As a head, so that strategies may ask for its gradients; a network that is none has none."""
    from classification.learning.head import save_head

    try:
        head = model.head(np.arange(n_classes))
    except FieldmarkError:
        return
    save_head(paths.head, head)
