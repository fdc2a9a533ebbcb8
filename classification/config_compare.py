"""What a comparison of strategies does; the docstring under a field is its ``--help``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from classification.config_learning import FinetuneConfig, Mean


@dataclass(frozen=True, kw_only=True)
class CompareConfig:
    """Strategies on datasets under one protocol: who learns with how many labels, and is it luck.

    Random picks always take part. Every finished round is a file, so that the same command goes on
    where it was stopped, and plays only what is missing when strategies, seeds or rounds are added.
    """

    datasets: tuple[str, ...] = ()
    """cifar10, emnist_balanced, emnist_letters, fashion_mnist, mnist; a folder with a
    classification table; an image folder with a subfolder per class, or with such folders in
    train/ and test/; or an .npz file with labels and embeddings or images."""
    source: Path = Path("data/raw")
    """Where the files of datasets with a name are, as torchvision keeps them."""
    download: bool = False
    """Fetch what source lacks."""
    images: int = 0
    """Most images of a dataset with a name, two thirds of them to learn from; 0: all."""
    strategies: tuple[str | dict[str, Any], ...] = ("random", "margin", "badge", "auto")
    """Names; FILE.py:FUNCTION for one of your own; or in YAML {name: NAME, strategy: STRATEGY,
    OPTION: VALUE ...}."""
    per_group: int = 1
    """Most frames of one burst in a batch, for all but random; 0: no limit."""
    models: tuple[str, ...] = ("resnet18",)
    """torchvision names, timm names after timm/, or resnet20 (for CIFAR)."""
    training: Literal["frozen", "end_to_end"] = "frozen"
    """frozen: softmax regression on embeddings that stay as they are; end_to_end: the whole network
    is trained from scratch (or from weights) in every round."""
    weights: str = "default"
    """default (the library's), none (random; end_to_end only), or a file."""
    image_size: int = 0
    """Side in pixels; 0: that of the dataset end to end, 224 frozen."""
    mean: Mean = (0.485, 0.456, 0.406)
    """Per-channel mean of the input (0..1)."""
    std: Mean = (0.229, 0.224, 0.225)
    """Per-channel standard deviation of the input (0..1)."""
    start: int = 40
    """Labels of the first round."""
    start_per_class: int = 0
    """Random labels of each class in the first round, instead of start."""
    batch: int = 40
    """Labels of each further round."""
    rounds: int = 8
    """Rounds after the first."""
    cold: bool = False
    """Each strategy chooses its first labels itself; otherwise all begin with the same random
    ones."""
    seeds: int = 10
    """Repetitions: split, first labels and all later choices. A significant difference takes 6
    with one strategy beside random, 7 with three, 9 with nine; who beats whom takes more."""
    first_seed: int = 0
    """Seed of the first repetition; the others count on from it."""
    epochs: int = 50
    """Most epochs of a training end to end."""
    patience: int = 10
    """Epochs without a better validation loss after which training stops; needs validation."""
    validation: int = 0
    """Images of the pool that are set aside and only decide when training stops."""
    batch_size: int = 64
    """Images per step."""
    optimiser: Literal["adamw", "adam", "sgd"] = "adamw"
    """As finetune.optimiser."""
    schedule: Literal["auto", "one_cycle", "constant", "cosine", "plateau"] = "auto"
    """As finetune.schedule."""
    learning_rate: float = 1e-3
    """Learning rate."""
    weight_decay: float = 0.05
    """Weight decay."""
    augment: Literal["camera", "light", "none"] = "light"
    """How training images are changed, as finetune.augment."""
    label_smoothing: float = 0.0
    """Label smoothing of the cross-entropy."""
    inverse_penalty: float = 0.01
    """Frozen: inverse strength of the L2 penalty (scikit-learn's C)."""
    score: Literal["macro_f1", "accuracy", "balanced_accuracy"] = "macro_f1"
    """What areas, gains and wins are about; balanced_accuracy is the mean recall of the classes."""
    target: float = 0.0
    """Score to count labels to; 0: what random picks reach in the end."""
    output: Path = Path("runs/comparison/default")
    """Folder of the results."""
    processes: int = 0
    """Curves played at the same time; 0: one per core, on a GPU one."""
    tensorboard: bool = False
    """Write losses, scores, queried classes and precision-recall curves for TensorBoard."""
    mlflow: bool = False
    """Send parameters and scores of every curve to MLflow as well."""

    @property
    def recipe(self) -> FinetuneConfig:
        """Training end to end."""
        return FinetuneConfig(
            epochs=self.epochs,
            patience=self.patience,
            batch_size=self.batch_size,
            optimiser=self.optimiser,
            schedule=self.schedule,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            augment=self.augment,
            label_smoothing=self.label_smoothing,
            loader="single",
        )


def compare_problems(config: CompareConfig) -> list[str]:
    """Values and combinations that cannot work, in words."""
    minimum = {
        "images": 0,
        "per_group": 0,
        "start": 1,
        "start_per_class": 0,
        "batch": 1,
        "rounds": 0,
        "seeds": 1,
        "first_seed": 0,
        "epochs": 1,
        "patience": 1,
        "validation": 0,
        "batch_size": 2,
        "processes": 0,
    }
    found = [
        f"{name}: {getattr(config, name)} is below {low}"
        for name, low in minimum.items()
        if getattr(config, name) < low
    ]
    found += [
        f"{name}: {getattr(config, name)} is not above 0"
        for name in ("learning_rate", "inverse_penalty")
        if getattr(config, name) <= 0
    ]
    if not 0 <= config.target <= 1:
        found.append(f"target: {config.target} is not in 0..1")
    for name in ("datasets", "models", "strategies"):
        if not getattr(config, name):
            found.append(f"{name}: name one or more")
    if config.training == "frozen" and config.weights == "none":
        found.append(
            "weights: none with training: frozen would embed by a random network; give weights, or "
            "training: end_to_end"
        )
    return found
