"""What one experiment does; the docstring under a field is its ``--help``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import Any

from classification.config_compare import CompareConfig

# Names that people know these by, beside torchvision's, timm's and those of `SETS`.
MODELS = {
    "SqueezeNet11": "squeezenet1_1",
    "ResNet18": "resnet18",
    "ResNet20": "resnet20",
    "ResNet34": "resnet34",
}
DATASETS = {
    "CIFAR10": "cifar10",
    "EMNIST": "emnist_balanced",
    "FashionMNIST": "fashion_mnist",
    "MNIST": "mnist",
}
STRATEGIES = {
    "random_sampling": "random",
    "margin_sampling": "margin",
    "entropy_sampling": "entropy",
}


def _option(short: str, default: Any) -> Any:
    """A field that also has a short form on the command line."""
    return field(default=default, metadata={"short": short})


@dataclass(frozen=True, kw_only=True)
class ExperimentOptions:
    """One strategy with one network on one dataset, trained end to end in every round."""

    model: str = _option("m", "SqueezeNet11")
    """SqueezeNet11, ResNet18, ResNet20 (for CIFAR), ResNet34, or any torchvision name, or timm name
    after timm/."""
    dataset: str = _option("d", "CIFAR10")
    """CIFAR10, EMNIST (balanced), emnist_letters, FashionMNIST, MNIST; a folder with a
    classification table; or an image folder."""
    n_start: int = _option("ns", 100)
    """Random labels of each class at the start."""
    n_new: int = _option("nn", 100)
    """Labels of each further round."""
    epochs: int = _option("e", 50)
    """Most epochs of each training."""
    query_strategy: str = _option("qs", "least_confident")
    """random_sampling, least_confident, margin_sampling, entropy_sampling, or any other."""
    experiment_name: str = _option("en", "test")
    """Folder of the results, in output."""
    patience: int = _option("p", 4)
    """Epochs in a row without a better validation loss after which a training stops."""
    batch_size: int = _option("b", 50)
    """Images per step."""
    learning_rate: float = _option("lr", 1e-4)
    """Learning rate of Adam."""
    weight_decay: float = _option("wd", 0.0)
    """L2 penalty."""
    pretrained: bool = _option("pt", False)
    """Start from the library's ImageNet weights in every round."""
    data_aug: bool = _option("da", False)
    """Flip and shift the training images."""
    n_rounds: int = _option("nr", 3)
    """Rounds of asking for labels."""
    init_sampling_seed: int = _option("s", 0)
    """Seed of the first labels, of the choices and of the training."""
    validation: int = 500
    """Images of the pool that are set aside and only decide when training stops."""
    image_size: int = 0
    """Side in pixels; 0: that of the dataset."""
    source: Path = Path("data/raw")
    """Where the files of datasets with a name are, as torchvision keeps them."""
    download: bool = False
    """Fetch what source lacks."""
    images: int = 0
    """Most images of a dataset with a name; 0: all."""
    output: Path = Path("runs/experiments")
    """Where experiments have their folders."""
    tensorboard: bool = False
    """Write event files for TensorBoard."""
    mlflow: bool = False
    """Send the scores to MLflow as well."""

    def compare_config(self) -> CompareConfig:
        """The comparison that this is a part of."""
        return CompareConfig(
            datasets=(DATASETS.get(self.dataset, self.dataset),),
            source=self.source,
            download=self.download,
            images=self.images,
            strategies=(STRATEGIES.get(self.query_strategy, self.query_strategy),),
            per_group=0,
            models=(MODELS.get(self.model, self.model),),
            training="end_to_end",
            weights="default" if self.pretrained else "none",
            image_size=self.image_size,
            start_per_class=self.n_start,
            batch=self.n_new,
            rounds=self.n_rounds,
            seeds=1,
            first_seed=self.init_sampling_seed,
            epochs=self.epochs,
            patience=self.patience,
            validation=self.validation,
            batch_size=self.batch_size,
            optimiser="adam",
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            augment="light" if self.data_aug else "none",
            score="accuracy",
            output=self.output / self.experiment_name,
            tensorboard=self.tensorboard,
            mlflow=self.mlflow,
        )


def batch_problems(batch: Mapping[str, Any]) -> list[str]:
    """What is wrong with a batch file, in words."""
    known = {item.name for item in fields(ExperimentOptions)}
    found = [f"{key}: unknown; a batch has common and vary" for key in batch.keys() - _PARTS]
    for part in sorted(_PARTS & batch.keys()):
        given = batch[part]
        if not isinstance(given, Mapping):
            found.append(f"{part}: must be a mapping of options")
            continue
        found += [f"{part}.{key}: no such option" for key in sorted(given.keys() - known)]
    vary = batch.get("vary")
    if isinstance(vary, Mapping):
        found += [
            f"vary.{key}: must be a list of values"
            for key, values in vary.items()
            if not isinstance(values, list) or not values
        ]
    return found if vary else [*found, "vary: name options with a list of values each"]


def variants(name: str, vary: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination of the values, with an experiment name of its own.

    ``{"model": ["ResNet34"], "pretrained": [False, True]}`` of the batch "pretraining" makes
    ``pretraining-ResNet34-pretrained_false`` and ``pretraining-ResNet34-pretrained_true``.
    """
    for values in product(*vary.values()):
        chosen = dict(zip(vary, values, strict=True))
        words = [v if isinstance(v, str) else f"{k}_{str(v).lower()}" for k, v in chosen.items()]
        yield chosen | {"experiment_name": "-".join([name, *words]).replace("/", "_")}


_PARTS = {"common", "vary"}
