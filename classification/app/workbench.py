"""The model of an app: trained and propagated in the background, shared by every browser."""

import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.app.progress import Losses, Report
from classification.app.propagate import Guesses, PropagateOptions
from classification.app.recipe import Recipe
from classification.app.scores import ModelScores, score_state
from classification.app.state import AppState, Change
from classification.app.step import Listener, Step, Task, load_array
from classification.app.training import Lesson
from classification.app.work_folder import WorkFolder
from classification.errors import FieldmarkError
from classification.learning.fixmatch_config import FixMatchConfig
from classification.learning.head import load_head

_TRAIN = "classification.app.training:train"
_PROPAGATE = "classification.app.propagate:propagate_labels"


@dataclass(kw_only=True)
class _Trained:
    """What a training gave."""

    probs: NDArray[np.float32]
    head: Any
    one_class: bool


class Workbench:
    """Recipe, steps and results of one `AppState`.

    Attributes:
        recipe, options: of the next training and propagation.
        problems: what is wrong with the recipe, by the tab that sets it; it is not trained then.
        training, propagation: how they stand.
        losses, parameters: of the newest training, and how many numbers it learns.
        scores: of the newest predictions; None before there are any.
        guesses: of the newest propagation; None before there is one.
        waiting: predictions that `take_over` makes those of the app; None without any.
        version: grows with every change, for who looks again and again.
    """

    def __init__(self, state: AppState) -> None:
        self.state = state
        output = "sigmoid" if state.several else "softmax"
        self.recipe = Recipe(fixmatch=FixMatchConfig(output=output))
        self.options = PropagateOptions()
        self.problems: dict[str, str] = {}
        self.training, self.propagation = Report(), Report()
        self.losses, self.parameters = Losses(), 0
        self.scores: ModelScores | None = None
        self.guesses: Guesses | None = None
        self.waiting: _Trained | None = None
        self._one_class = not state.several
        self.version = 0
        self._step: Step | None = None
        self._folder = WorkFolder()
        self._lock, self._taking = threading.Lock(), False
        self.score()
        state.watch(self._follow)

    @property
    def inputs(self) -> NDArray[np.floating] | None:
        """What is learned from: feature maps [N, H, W, C] where there are any, or embeddings."""
        maps = self.state.feature_maps
        return self.state.embeddings if maps is None else maps

    @property
    def busy(self) -> bool:
        """A step runs."""
        return self.training.running or self.propagation.running

    def settle(self, tab: str, problem: str) -> None:
        """Note what is wrong with a tab's settings; nothing, if empty."""
        self.problems = {k: v for k, v in self.problems.items() if k != tab}
        self.problems |= {tab: problem} if problem else {}
        self.version += 1

    def train(self, *, update: bool = True) -> None:
        """Begin to train on the labels of now.

        Args:
            update: take the predictions over at the end; otherwise they wait for `take_over`.

        Raises:
            FieldmarkError: it cannot begin, and what would help.
        """
        with self._lock:
            recipe, inputs = self.recipe, self._ready()
            if self.problems:
                raise FieldmarkError("\n".join(f"{tab}: {p}" for tab, p in self.problems.items()))
            lesson = Lesson.of_state(self.state, one_class=recipe.one_class)
            recipe.network.check(inputs.shape[1:])
            self.losses, self.parameters = Losses(), 0
            self._begin(
                self.training,
                _TRAIN,
                inputs,
                order={"recipe": recipe.to_json()},
                arrays={"targets": lesson.targets, "learn": lesson.learn},
                after=lambda step: self._trained(step, recipe.one_class, inputs, update=update),
            )

    def propagate(self) -> None:
        """Begin to propagate the labels of now.

        Raises:
            FieldmarkError: it cannot begin, and what would help.
        """
        with self._lock:
            inputs = self._ready()
            several, options = self.state.several, self.options
            lesson = Lesson.of_state(self.state, one_class=not several)
            targets = np.where(lesson.learn[:, None], lesson.targets, np.nan).astype(np.float32)
            graph = str(self._folder.shared(inputs).neighbours(options.k).root)
            settings = {"k": options.k, "config": options.config, "several": several}
            self._begin(
                self.propagation,
                _PROPAGATE,
                inputs,
                order={"graph": graph, **settings},
                arrays={"targets": targets},
                after=self._propagated,
            )

    def stop(self) -> None:
        """End the running step; training keeps what it learned. Asked twice, at once."""
        if self._step is not None and self.busy:
            self._step.stop()

    def take_over(self) -> None:
        """Make the predictions of the newest training those of the app."""
        trained, self.waiting = self.waiting, None
        if trained is not None:
            self._one_class, self._taking = trained.one_class, True
            try:
                self.state.set_predictions(trained.probs, head=trained.head)
            finally:
                self._taking = False
            self.version += 1

    def wait(self) -> None:
        """Until the running step has ended."""
        if self._step is not None:
            self._step.wait()

    def score(self) -> None:
        """Compare the newest predictions with the labels of now."""
        if self.waiting is not None:
            probs, one_class = self.waiting.probs, self.waiting.one_class
        else:
            probs, one_class = self.state.probs, self._one_class
        if probs is not None:
            self.scores = score_state(self.state, probs, one_class=one_class)

    def _follow(self, change: Change) -> None:
        """A new round brings a model of its own."""
        if change == "predictions" and not self._taking:
            self._one_class = not self.state.several
            self.score()
            self.version += 1

    def _ready(self) -> NDArray[np.floating]:
        if self.busy:
            kind = "a training" if self.training.running else "a propagation"
            raise FieldmarkError(f"{kind} is running; wait until it is done, or stop it")
        if self.inputs is None:
            raise FieldmarkError(
                "there are no embeddings to learn from; run classification/train.py for a first "
                "round, or give GUI(..., embeddings=...) an array with a row per image"
            )
        return self.inputs

    def _begin(
        self,
        report: Report,
        function: str,
        inputs: NDArray[np.floating],
        *,
        order: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        after: Callable[[Step], str],
    ) -> None:
        report.begin("starting")
        file = self._folder.shared(inputs).inputs
        task = Task(function=function, inputs=inputs, inputs_file=file, order=order, arrays=arrays)
        listener = Listener(
            heard=lambda said: self._heard(report, said),
            ended=lambda step: self._ended(report, step, after),
        )
        self._step = Step(self._folder.next_step(), task, listener)
        self.version += 1

    def _heard(self, report: Report, said: Mapping[str, Any]) -> None:
        report.text = said.get("stage", report.text)
        self.parameters = said.get("parameters", self.parameters)
        if "steps" in said:
            self.losses.add(said["steps"], said["of"])
        self.version += 1

    def _ended(self, report: Report, step: Step, after: Callable[[Step], str]) -> None:
        try:
            if step.end == "failed":
                report.finish("failed; nothing was changed", step.problem)
            elif not step.result:
                report.finish("stopped; nothing was changed")
            else:
                report.finish(after(step))
        except Exception as error:  # shown in the tab, whatever it is
            report.finish("failed", f"{type(error).__name__}: {error}")
        shutil.rmtree(step.paths.root, ignore_errors=True)
        self.version += 1

    def _trained(
        self, step: Step, one_class: bool, inputs: NDArray[np.floating], *, update: bool
    ) -> str:
        fits = step.paths.head.exists() and inputs is self.state.embeddings  # no new round came
        head = load_head(step.paths.head) if fits else None
        probs = load_array(step.paths, "probs")
        self.waiting = _Trained(probs=probs, head=head, one_class=one_class)
        self.score()
        if update:
            self.take_over()
        how = "stopped after" if step.end == "stopped" else "trained for"
        return f"{how} {self.losses.steps} of {self.losses.total} steps"

    def _propagated(self, step: Step) -> str:
        self.guesses = Guesses(
            probs=load_array(step.paths, "probs"), certainty=load_array(step.paths, "certainty")
        )
        return "labels propagated"


_opening = threading.Lock()


def workbench(state: AppState) -> Workbench:
    """The one workbench of an app's state."""
    with _opening:
        if state.bench is None:
            state.bench = Workbench(state)
        return state.bench
