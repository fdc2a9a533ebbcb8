"""Parameters of `run_active_learning`, and the run's configuration that they stand for."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

from classification.config import (
    BackboneConfig,
    DataConfig,
    FinetuneConfig,
    HeadConfig,
    LabelConfig,
    LaunchConfig,
    QueryConfig,
    RunConfig,
    TrackingConfig,
    problems,
)
from classification.config_learning import FirstTrainingConfig
from classification.errors import wrong_value

Loader = Literal["single", "balanced"]

_UNTIL_EMPTY = 10**6  # rounds
_PLAIN_BATCH = 128  # images per step of the loader `single`
_LIBRARY_BATCH = 256  # left at its default, the network's own choice by device is faster


@dataclass(frozen=True)
class ActiveLearningOptions:
    """Train on labelled folders, then ask for labels of unlabelled images round by round."""

    train_data: str | Path
    """Folder of labelled images, a subfolder per class."""
    unlabelled_data: str | Path
    """Folder of unlabelled images in any subfolders; open this one in Timelapse. Labelled images
    stay where they are."""
    validation_data: str | Path | None = None
    """Folder of labelled images to test on, a subfolder per class; classes of train_data only.
    Never trained on."""
    validate_model: bool = True
    """Test on validation_data each time labels arrive."""
    use_checkpoints: bool = True
    """Go on where the run in output_dir stopped; otherwise what is there is set aside in its
    folder previous/ and a new run starts."""
    num_workers: int = 0
    """Threads that read images; 0: one per core."""
    active_batch: int = 100
    """Queries per round."""
    active_learning_strategy: str = "margin"
    """uniform, graph_density, entropy, confidence, kcenter, margin, informative_diverse,
    margin_cluster_mean, hierarchical, auto or any other that needs no option of its own; an
    unknown name is answered with the list."""
    output_dir: str | Path = "default"
    """Where everything is written; default: 'Active Learning Files' in the working folder."""
    use_pretrained: bool = True
    """Start from the library's weights of the backbone; otherwise from random ones."""
    embedding_arch: str = "resnet18"
    """Backbone: a torchvision name, or a timm name with a prefix (timm/resnet10t)."""
    embedding_loss_type: Literal["softmax", "triplet", "siamese"] = "triplet"
    """Loss that the embedding model is trained with."""
    embedding_loss_margin: float = 1.0
    """Margin of the triplet or siamese loss."""
    embedding_loss_data_strategy: Literal["hardest", "random", "semi_hard", "hard_pair"] = "random"
    """Which of a batch's triplets (random, hardest, semi_hard) or pairs (random, hard_pair) are
    learned from."""
    normalize_embedding: bool = True
    """Scale every embedding to length 1; the classifier standardises each feature in any case, and
    both are part of the exported model."""
    feat_dim: int = 256
    """Features out of the embedding model."""
    extract_embedding_batch_size: int = 256
    """Images per pass of the extraction; at 256 a CPU takes 8 instead, twice as fast."""
    embedding_finetuning_period: int = 2000
    """New labels between two fine-tunings of the embedding model."""
    embedding_finetuning_lr: float = 0.0001
    """Learning rate (Adam) of a fine-tuning."""
    embedding_finetuning_weight_decay: float = 0.0
    """Weight decay of a fine-tuning."""
    embedding_finetuning_num_epochs: int = 20
    """Epochs of a fine-tuning."""
    embedding_finetuning_loader_type: Loader = "balanced"
    """How a fine-tuning draws images: balanced, or single (plain shuffling, 128 per step)."""
    embedding_train_lr: float = 0.00001
    """Learning rate (Adam) of the first training."""
    embedding_train_weight_decay: float = 0.0005
    """Weight decay of the first training."""
    embedding_train_num_epochs: int = 5
    """Epochs of the first training."""
    embedding_train_loader_type: Loader = "single"
    """How the first training draws images."""
    balanced_loader_num_classes: int = 20
    """Classes of a balanced batch, at most as many as there are."""
    balanced_loader_num_samples: int = 10
    """Images per class of a balanced batch, repeated where a class has fewer."""
    weights: str | Path | None = None
    """A .safetensors or .pth file with the backbone's weights, instead of the library's."""
    image_size: int = 224
    """Side in pixels of the square that an image is resized to."""
    wait: Literal["enter", "watch", "no"] = "enter"
    """When labels are missing. enter: go on when someone presses enter; watch: go on when their
    CSV lies in new_labels_bin; no: return, and go on when called again."""
    seed: int = 0
    """Fixes every random choice."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where networks run; auto takes a GPU when there is one."""


PARAMETERS = {
    "backbone.name": "embedding_arch",
    "backbone.weights": "use_pretrained or weights",
    "backbone.image_size": "image_size",
    "backbone.feat_dim": "feat_dim",
    "backbone.normalize": "normalize_embedding",
    "backbone.batch_size": "extract_embedding_batch_size",
    "finetune.epochs": "embedding_finetuning_num_epochs",
    "finetune.every": "embedding_finetuning_period",
    "finetune.loss": "embedding_loss_type",
    "finetune.margin": "embedding_loss_margin",
    "finetune.mining": "embedding_loss_data_strategy",
    "finetune.learning_rate": "embedding_finetuning_lr",
    "finetune.classes_per_batch": "balanced_loader_num_classes",
    "finetune.samples_per_class": "balanced_loader_num_samples",
    "finetune.first.epochs": "embedding_train_num_epochs",
    "finetune.first.learning_rate": "embedding_train_lr",
    "query.strategy": "active_learning_strategy",
    "query.size": "active_batch",
    "query.seed_size": "active_batch",
    "launch.threads": "num_workers",
}
"""Which parameter a field of the configuration comes from, for messages."""


def in_parameters(message: str) -> str:
    """A message about fields of the configuration, in the names of the parameters."""
    for field in sorted(PARAMETERS, key=len, reverse=True):
        message = message.replace(field, PARAMETERS[field])
    return message


def run_config(options: ActiveLearningOptions, *, data: Path) -> RunConfig:
    """The configuration of the same rounds that ``train.py`` plays; `data` is its data folder."""
    batch = options.extract_embedding_batch_size
    weights = "default" if options.use_pretrained else "none"
    return RunConfig(
        seed=options.seed,
        rounds=_UNTIL_EMPTY,
        data=DataConfig(dir=str(data)),
        backbone=BackboneConfig(
            name=options.embedding_arch,
            weights=weights if options.weights is None else str(options.weights),
            image_size=options.image_size,
            feat_dim=options.feat_dim,
            normalize=options.normalize_embedding,
            batch_size=0 if batch == _LIBRARY_BATCH else batch,
        ),
        finetune=_finetune(options),
        head=HeadConfig(
            kind="mlp",
            hidden=(230, 100),
            alpha=1e-4,
            learning_rate=1e-4,
            max_iter=2000,
            tol=1e-6,
            patience=10,
            class_balanced=False,
        ),
        query=QueryConfig(
            strategy=options.active_learning_strategy,
            size=options.active_batch,
            seed_size=options.active_batch,
        ),
        labels=LabelConfig(source="timelapse", new_classes="accept"),
        tracking=TrackingConfig(enabled=False),
        launch=LaunchConfig(device=options.device, threads=options.num_workers),
    )


def _finetune(options: ActiveLearningOptions) -> FinetuneConfig:
    return FinetuneConfig(
        epochs=options.embedding_finetuning_num_epochs,
        every=options.embedding_finetuning_period,
        loss=options.embedding_loss_type,
        margin=options.embedding_loss_margin,
        mining=options.embedding_loss_data_strategy,
        optimiser="adam",
        learning_rate=options.embedding_finetuning_lr,
        weight_decay=options.embedding_finetuning_weight_decay,
        loader=options.embedding_finetuning_loader_type,
        batch_size=_PLAIN_BATCH,
        classes_per_batch=options.balanced_loader_num_classes,
        samples_per_class=options.balanced_loader_num_samples,
        first=FirstTrainingConfig(
            epochs=options.embedding_train_num_epochs,
            learning_rate=options.embedding_train_lr,
            weight_decay=options.embedding_train_weight_decay,
            loader=options.embedding_train_loader_type,
        ),
    )


def option_problems(options: ActiveLearningOptions, *, strategies: Sequence[str]) -> list[str]:
    """Values and combinations that cannot work, in words, each once; first those of another type,
    with which nothing can be compared."""
    hints = get_type_hints(ActiveLearningOptions)
    values = {f.name: getattr(options, f.name) for f in fields(options)}
    if strange := [p for k, value in values.items() if (p := _strange(k, value, hints[k]))]:
        return strange
    found = [
        f"{name}: {value!r} is unknown; allowed: {', '.join(get_args(hints[name]))}"
        for name, value in values.items()
        if get_origin(hints[name]) is Literal and value not in get_args(hints[name])
    ]
    config = run_config(options, data=Path())
    found += [in_parameters(line) for line in problems(config, strategies=strategies)]
    return list(dict.fromkeys(found))


def _strange(name: str, value: object, hint: object) -> str | None:
    """What is wrong with the type of a value; None where nothing is."""
    if Path not in get_args(hint):
        return wrong_value(name, value, hint)
    if isinstance(value, str | Path) or (value is None and type(None) in get_args(hint)):
        return None
    return f"{name} is {value!r}; give the path of a folder or file"
