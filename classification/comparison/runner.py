"""`ActiveLearningComparison`: a comparison from Python, one round at a time.

runner = ActiveLearningComparison(
    data.train, data.test, "resnet20", "sgd", epochs=70, learning_rate=0.03,
    query_percent=0.1, seed_percent=0.1,
    query_types=[{"name": "margin", "func": "margin"},
                 {"name": "mix", "func": ActiveLearningSampler(score="entropy")}],
)
for _ in range(3):
    runner.run_train_and_query()
runner.run_validation(iterations=5, epochs=70)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.comparison.build import with_random
from classification.comparison.curves import read_curve
from classification.comparison.data_prep import DataPrep, Images
from classification.comparison.end_to_end import EndToEnd, image_task
from classification.comparison.grid import play_grid
from classification.comparison.parameters import (
    Given,
    count,
    entrant,
    first_labels,
    folder_name,
    name_faults,
    named,
    pace,
    query_faults,
    require,
)
from classification.comparison.play import Protocol
from classification.comparison.task import split_task
from classification.comparison.validation import validate
from classification.config_learning import FinetuneConfig
from classification.errors import FieldmarkError
from classification.files import read_json, write_json
from classification.paths import ComparisonPaths

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

RUNS = Path("runs/comparison")


class ActiveLearningComparison:
    """Strategies that learn from the same images, from the same first labels, with one recipe.

    Everything is in the folder `save_loc`, round by round: made again with the same parameters it
    goes on where it was stopped.

    Args:
        train: the pool, as training sees it: any torch `Dataset` of pictures and class ids; or a
            whole `DataPrep`.
        test: never trained on; not needed with a `DataPrep`.
        model: a name as for `build_backbone`, or a class or function that makes a network of
            classes.
        optimizer: sgd, adam or adamw, or a class of torch.optim.
        epochs: of every training, which starts from scratch.
        learning_rate: of every training.
        query_percent: share of the pool (0..1) that is labelled in each round; or
        query_size: so many items.
        seed_percent: share of the pool that is labelled at the start; or
        seed_size: so many items.
        query_types: mappings with `name`, `func` (a strategy's name, a function of pool, number and
            generator, or a `BaseSampler`, such as `ActiveLearningSampler`) and, if it has any,
            `options`. Random picks are added where they are missing.
        scheduler: a name as in `FinetuneConfig.schedule`, or a class of
            torch.optim.lr_scheduler, called with the optimizer; None: a constant rate.
        scheduler_type: when a class of torch steps: train_acc or train_loss (after every epoch; a
            `ReduceLROnPlateau` looks at it), epoch, or step.
        batch_size: images per step.
        log_freq: epochs between two entries of `run_validation`.
        run_id: name of the folder under `folder`.
        load_from_another_seed: `run_id` whose first labels are taken over.
        query: the items of `train` as strategies and predictions see them; None: `train`.
        seeds: repetitions; each draws its own first labels.
        initial_class_sample: random first labels of each class, instead of seed_percent.
        data_aug: flip and shift training images.
        weights: none, default (the library's) or a file.
        weight_decay: of the optimizer.
        validation: items of the pool that only decide when training stops.
        patience: epochs without a better loss on them after which it stops.
        image_size: side in pixels; 0: that of the dataset.
        processes: curves at the same time; 0: one, in this process.
        tensorboard: write event files.
        folder: where runs are kept.

    Raises:
        FieldmarkError: all parameters that cannot be used.
    """

    def __init__(
        self,
        train: Images | DataPrep,
        test: Images | None = None,
        model: "str | Callable[[], nn.Module]" = "resnet20",
        optimizer: str | Callable[..., Any] = "sgd",
        *,
        epochs: int = 10,
        learning_rate: float = 0.01,
        query_percent: float | None = None,
        query_size: int | None = None,
        seed_percent: float | None = None,
        seed_size: int | None = None,
        query_types: Sequence[Mapping[str, Any]] = (),
        scheduler: str | Callable[..., Any] | None = None,
        scheduler_type: str = "train_acc",
        batch_size: int = 128,
        log_freq: int = 1,
        run_id: str | int = "000001",
        load_from_another_seed: str | int | None = None,
        query: Images | None = None,
        seeds: Sequence[int] = (0,),
        initial_class_sample: int = 0,
        data_aug: bool = True,
        weights: str = "none",
        weight_decay: float = 0.0,
        validation: int = 0,
        patience: int = 10,
        image_size: int = 0,
        processes: int = 0,
        tensorboard: bool = False,
        folder: Path = RUNS,
    ) -> None:
        prep = train if isinstance(train, DataPrep) else Given(train, query, test)
        require(name_faults(optimizer, scheduler, scheduler_type))
        recipe = FinetuneConfig(
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=batch_size,
            weight_decay=weight_decay,
            patience=patience,
            augment="light" if data_aug else "none",
            label_smoothing=0.0,
            loader="single",
        )
        learner = EndToEnd(
            prep=prep,
            network=model,
            weights=weights,
            recipe=named(recipe, optimizer, scheduler),
            image_size=image_size,
            pace=pace(optimizer, scheduler, scheduler_type),
        )
        self._task = image_task(learner, validation=validation)
        pool = len(split_task(self._task, 0).train)
        batch = count(query_percent, query_size, pool, default=0.1)
        start = count(seed_percent, seed_size, pool, default=0.1)
        faults = [] if len(seeds) else ["seeds is empty; give one or more"]
        if not initial_class_sample and start < 1:
            faults.append(f"the first round would have {start} labels of a pool of {pool}")
        require(faults + query_faults(query_types))
        self._entrants = with_random([entrant(given) for given in query_types])
        self._protocol = Protocol(start=start, batch=batch, start_per_class=initial_class_sample)
        self._seeds, self._processes, self._log_freq = tuple(seeds), processes, log_freq
        self._tensorboard = tensorboard
        self._paths = ComparisonPaths(folder / folder_name(run_id))
        self._openings: dict[tuple[str, int], list[int]] = {}
        if load_from_another_seed is not None:
            other = ComparisonPaths(folder / folder_name(load_from_another_seed))
            self._openings = first_labels(other, self._task.title, seeds)
        self._begin()

    @property
    def q_names(self) -> list[str]:
        """Names of the strategies."""
        return [entrant.name for entrant in self._entrants]

    @property
    def save_loc(self) -> str:
        """Folder of this comparison."""
        return str(self._paths.root)

    @property
    def train_iter(self) -> int:
        """Rounds that all strategies have trained and queried."""
        found = [
            read_curve(self._paths.cell(self._task.title, name, seed))
            for name in self.q_names
            for seed in self._seeds
        ]
        return min((0 if played is None else len(played.rows)) for played in found)

    def run_train_and_query(self) -> "pd.DataFrame":
        """One more round: train every strategy on its labels, test it, let it choose the next.

        Returns:
            All rounds so far, as `classification.schemas.ResultTable`.
        """
        return play_grid(
            [self._task],
            self._entrants,
            protocols={self._task.title: replace(self._protocol, rounds=self.train_iter)},
            seeds=self._seeds,
            paths=self._paths,
            processes=self._processes,
            openings=self._openings,
            tensorboard=self._tensorboard,
            ahead=True,
        )

    def run_validation(
        self, iterations: int = 5, epochs: int | None = None, log_freq: int | None = None
    ) -> dict[str, Any]:
        """Train anew, several times, on what each strategy has labelled for its last round.

        The record, ``val-results.json`` in `save_loc`, says what luck in training is worth: loss
        and accuracy on training and test images by epoch, and the recall of each class. Trainings
        that it holds are not repeated.

        Args:
            iterations: trainings of each strategy and seed, each from other weights.
            epochs: of each; None: as in the rounds.
            log_freq: epochs between two entries; None: that of the comparison.
        """
        return validate(
            self._task,
            self._paths,
            strategies=self.q_names,
            seeds=self._seeds,
            iterations=iterations,
            epochs=epochs,
            log_freq=log_freq or self._log_freq,
        )

    def _begin(self) -> None:
        """Record what this run is, or refuse a folder with another."""
        title, classes = self._task.title, list(self._task.classes)
        record = {"options": {"dataset": self._task.name, "model": self._task.model}}
        if self._paths.details.exists():
            before = read_json(self._paths.details, what="record of a comparison")
            if before["options"] != record["options"]:
                raise FieldmarkError(
                    f"{self._paths.root} holds a comparison of {before['options']}; this one is of "
                    f"{record['options']}. Give another run_id."
                )
        write_json(self._paths.details, record | {"classes": {title: classes}})
