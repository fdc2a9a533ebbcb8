"""Networks that are trained from pixels to classes, from scratch in every round.

The training is that of the main job (`classification.learning.finetune`); here the layer on top is
kept and answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classification.comparison.data_prep import DataPrep, check_prep, labels_of
from classification.comparison.task import Split, Task
from classification.config_learning import FinetuneConfig, Mean
from classification.linear import Linear
from classification.selection import Seen

if TYPE_CHECKING:
    from torch import nn

    from classification.learning.crops import Inputs
    from classification.learning.finetune import Epoch
    from classification.learning.optimisers import Pace, TorchPace


@dataclass(frozen=True, kw_only=True)
class EndToEnd:
    """A network and its recipe; what `Task.learner` is for images."""

    prep: DataPrep
    network: "str | Callable[[], nn.Module]"
    """Name as for `build_backbone`, or a class or function that makes a network of classes, whose
    last layer with weights is its classifier."""
    weights: str = "none"
    """Of a network by name: none, default (the library's), or a file."""
    recipe: FinetuneConfig = field(default_factory=lambda: FinetuneConfig(epochs=50))
    image_size: int = 0
    """Side in pixels; 0: that of the dataset."""
    mean: Mean = (0.5, 0.5, 0.5)
    std: Mean = (0.25, 0.25, 0.25)
    pace: "TorchPace | None" = None
    """Optimiser and schedule, where the recipe's are not wanted."""

    @property
    def name(self) -> str:
        """Of the network, for people."""
        name = self.network if isinstance(self.network, str) else self.network.__name__
        return name if self.weights == "none" else f"{name}, pretrained"

    @property
    def size(self) -> int:
        """Side of its images in pixels."""
        return self.image_size or self.prep.image_size

    @property
    def epochs(self) -> int:
        """See `Learner`."""
        return self.recipe.epochs

    def stamp(self) -> dict[str, Any]:
        """See `Learner`."""
        pace = None if self.pace is None else str(self.pace).split(" at 0x")[0]
        fields = {"weights": self.weights, "image_size": self.size, "pace": pace}
        fields |= {"mean": list(self.mean), "std": list(self.std), "recipe": asdict(self.recipe)}
        return {"network": self.name, **fields}

    def engine(
        self, task: Task, split: Split, *, seed: int, watch: "Callable[[Epoch, nn.Module], None]"
    ) -> "EndToEndEngine":
        """See `Learner`."""
        inputs = _inputs(self)
        return EndToEndEngine(
            learner=self, inputs=inputs, task=task, split=split, seed=seed, watch=watch
        )

    def build(self, seed: int) -> "nn.Module":
        """The untrained network, from image to embedding."""
        import torch

        from classification.learning.backbones import build_backbone, without_classifier

        if isinstance(self.network, str):
            return build_backbone(self.network, self.weights, seed=seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return without_classifier(self.network())


@dataclass(frozen=True, kw_only=True)
class EndToEndEngine:
    """See `classification.environment.Engine`; nothing is left over from one call to the next."""

    learner: EndToEnd
    inputs: "Inputs"
    task: Task
    split: Split
    seed: int
    watch: "Callable[[Epoch, nn.Module], None]"

    def learn(self, rows: NDArray[np.intp], labels: NDArray[np.int64], n_classes: int) -> Seen:
        """Train from scratch on the rows; embed all items and say what they are."""
        from classification.learning.backbones import embedding_size
        from classification.learning.finetune import Labelled, finetune
        from classification.learning.forward import forward
        from classification.learning.optimisers import make_pace

        learner, inputs, head = self.learner, self.inputs, None
        backbone, networks = learner.build(self.seed), []

        def pace(network: "nn.Module", config: FinetuneConfig, steps: int) -> "Pace":
            networks.append(network)
            return (learner.pace or make_pace)(network, config, steps)

        if len(rows):
            val = self.split.val
            trained = finetune(
                backbone,
                inputs,
                train=Labelled(paths=keys(self.task, rows, training=True), labels=labels),
                val=Labelled(paths=keys(self.task, val), labels=self.task.labels[val]),
                dim=embedding_size(backbone, learner.size),
                n_classes=n_classes,
                config=learner.recipe,
                seed=int(np.random.default_rng([self.seed, len(rows)]).integers(2**31)),
                pace=pace,
                watch=lambda epoch: self.watch(epoch, networks[0]),
            )
            head = as_linear(trained.top)
        everything = keys(self.task, np.arange(len(self.task.labels)))
        embeddings = np.concatenate(list(forward(backbone, inputs, everything)))
        if head is None:
            return Seen(embeddings=embeddings)
        return Seen(embeddings=embeddings, probs=head.predict(embeddings, n_classes), head=head)


def accuracy_of(
    network: "nn.Module", inputs: "Inputs", items: Sequence[str], labels: NDArray[np.int64]
) -> float:
    """Share of the items that a network of classes is right about; leaves it in eval mode.

    Args:
        network: float32 [B, 3, S, S] to logits [B, C], on the device of `inputs`.
        inputs: where items come from.
        items: their names.
        labels: class ids.
    """
    import torch

    network.eval()
    with torch.inference_mode(), inputs.amp():
        batches = inputs.batches(items, inputs.forward_size)
        said = [network(x).argmax(dim=1).cpu().numpy() for x in batches]
    return float((np.concatenate(said) == labels).mean())


def image_task(learner: EndToEnd, *, validation: int = 0) -> Task:
    """A dataset of images with a network that is trained on it.

    Args:
        learner: the network, with the dataset.
        validation: items of the pool, drawn once for all, that only decide when training stops.

    Raises:
        FieldmarkError: the dataset lacks something.
    """
    prep = learner.prep
    check_prep(prep)
    pool, tested = len(prep.query), len(prep.test)
    held = np.sort(np.random.default_rng(0).permutation(pool)[: min(validation, pool // 2)])
    everywhere = np.arange(pool + tested, dtype=np.int64)
    return Task(
        name=prep.name,
        embeddings=np.zeros((pool + tested, 0), dtype=np.float32),
        labels=np.concatenate([labels_of(prep.query), labels_of(prep.test)]),
        classes=prep.classes,
        units=everywhere,
        bursts=_with_test(prep.bursts, tested, default=everywhere),
        locations=None if prep.locations is None else _with_test(prep.locations, tested),
        model=learner.name,
        split=Split(
            train=np.setdiff1d(np.arange(pool), held), test=np.arange(pool, pool + tested), val=held
        ),
        learner=learner,
        content=prep.digest(),
    )


def keys(task: Task, rows: NDArray[np.intp], *, training: bool = False) -> list[str]:
    """Name of each item for `PrepReader`; the test follows the pool."""
    assert isinstance(task.learner, EndToEnd)
    prep = task.learner.prep
    pool, part = len(prep.query), "train" if training and prep.train is not prep.query else "query"
    return [f"{part}/{i}" if i < pool else f"test/{i - pool}" for i in np.asarray(rows).tolist()]


def as_linear(top: "nn.Module") -> Linear:
    """The layer on top as a classifier of arrays."""
    weight, bias = (p.detach().numpy() for p in (top.weight, top.bias))  # type: ignore[union-attr]
    dim = weight.shape[1]
    return Linear(
        mean=np.zeros(dim, dtype=np.float32),
        scale=np.ones(dim, dtype=np.float32),
        weight=np.asarray(weight, dtype=np.float32),
        bias=np.asarray(bias, dtype=np.float32),
        classes=np.arange(len(bias), dtype=np.int64),
    )


def _inputs(learner: EndToEnd) -> "Inputs":
    import torch

    from classification.comparison.prep_reader import PrepReader
    from classification.learning.crops import Inputs, Preprocessing
    from classification.learning.fit import best_device

    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    return Inputs(
        reader=PrepReader(learner.prep, size=learner.size, threads=torch.get_num_threads()),
        preprocessing=Preprocessing(image_size=learner.size, mean=learner.mean, std=learner.std),
        device=best_device(),
        forward_batch=0 if learner.size > 64 else 256,  # small images: the call costs more
    )


def _with_test(
    values: NDArray[np.int64] | None, tested: int, *, default: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Groups of the pool, and for each test item one of its own."""
    if values is None:
        assert default is not None
        return default
    return np.concatenate([values, values.max(initial=-1) + 1 + np.arange(tested)])
