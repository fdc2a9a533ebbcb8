"""What a run does, as frozen dataclasses. Nothing here touches disk, network or data.

One YAML file per experiment holds these fields; any of them can be overridden on the command line
as ``--query.size 50``. The docstring under a field is its ``--help``.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal

Mean = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The classification table and its splits."""

    dir: str = "data/processed/demo"
    """Folder that create_classification_dataset.py wrote: classification_ds.csv,
    label_index.json, splits.json and crops/."""
    allow_leaks: tuple[Literal["location", "sequence", "image", "content"], ...] = ()
    """Kinds of leak between splits to accept by name. By default any leak is refused: a location,
    sequence, source image or file content that is in two splits makes every figure too good."""


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """The network that turns a crop into an embedding."""

    name: str = "resnet18"
    """torchvision name (resnet18, mobilenet_v2, ...) or timm name with a prefix
    (timm/resnet10t)."""
    weights: str = "default"
    """default (the library downloads them once), none (random), or a .safetensors/.pth file."""
    image_size: int = 224
    """Side in pixels of the square that a crop is resized to."""
    mean: Mean = (0.485, 0.456, 0.406)
    """Per-channel mean of the input (0..1); ImageNet's by default."""
    std: Mean = (0.229, 0.224, 0.225)
    """Per-channel standard deviation of the input (0..1)."""
    batch_size: int = 0
    """Images per forward pass; 0: 8 on a CPU, 256 on a GPU."""


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """Training of the backbone on the labels at hand; off while epochs is 0."""

    epochs: int = 0
    """Most epochs of one fine-tuning; 0 keeps the backbone frozen."""
    every: int = 2000
    """New labels between two fine-tunings; the first happens at the first round with labels."""
    learning_rate: float = 1e-3
    """Peak learning rate of AdamW, one cycle per fine-tuning."""
    weight_decay: float = 0.05
    """AdamW weight decay."""
    batch_size: int = 64
    """Images per step."""
    patience: int = 10
    """Epochs without a better validation loss after which training stops."""
    label_smoothing: float = 0.1
    """Label smoothing of the cross-entropy."""


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """The classifier on top of the embeddings, fitted from scratch every round."""

    C: float = 0.01
    """Inverse strength of the L2 penalty of the logistic regression on standardised embeddings.
    On real crops of unseen cameras 0.003 to 0.01 was best, 1 lost two points of accuracy."""
    class_balanced: bool = True
    """Weight each class by the inverse of its number of labels."""
    max_iter: int = 1000
    """Most L-BFGS iterations."""


@dataclass(frozen=True, kw_only=True)
class QueryConfig:
    """Which items to ask labels for."""

    strategy: str = "margin"
    """random, margin, entropy or least_confident."""
    size: int = 100
    """Queries per round."""
    seed_size: int = 100
    """Random queries of round 0, before there is a model."""


@dataclass(frozen=True, kw_only=True)
class LabelConfig:
    """Who answers the queries."""

    source: Literal["oracle", "store"] = "oracle"
    """oracle: reveal the hidden label of the table (simulation); store: wait for people's labels
    in labels.db."""


@dataclass(frozen=True, kw_only=True)
class TrackingConfig:
    """MLflow. Results are files first; MLflow gets a copy."""

    enabled: bool = True
    """Log to MLflow (MLFLOW_TRACKING_URI from the environment or .env; default SQLite in runs/)."""
    experiment: str = "fieldmark"
    """MLflow experiment."""
    register_as: str = ""
    """Name in the model registry; empty: <model>-<experiment> of the run folder."""


@dataclass(frozen=True, kw_only=True)
class LaunchConfig:
    """Where the run happens."""

    backend: Literal["local"] = "local"
    """local: this process on this machine."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """auto takes a GPU when there is one."""
    threads: int = 0
    """Threads that decode images; 0: one per core."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One active-learning run."""

    seed: int = 0
    """Fixes every random choice: the same seed on the same machine gives the same queries and
    metrics."""
    rounds: int = 5
    """Training rounds after the seed round."""
    bootstrap: int = 1000
    """Resamples of locations for confidence intervals."""
    data: DataConfig = field(default_factory=DataConfig)
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    query: QueryConfig = field(default_factory=QueryConfig)
    labels: LabelConfig = field(default_factory=LabelConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    launch: LaunchConfig = field(default_factory=LaunchConfig)


# Sections that say where and how a run happens, not what it computes; they may change on resume.
_FREE = ("tracking", "launch")
# Fields that later rounds may change; what earlier rounds computed stays as it is.
_PER_ROUND = ("rounds", "bootstrap", "head", "query", "labels", "finetune", "backbone.batch_size")


def to_dict(config: RunConfig) -> dict[str, Any]:
    """Nested plain values (tuples as lists), ready for YAML or JSON."""
    return _plain(asdict(config))


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"query": {"size": 5}}`` as ``{"query.size": 5}``."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat


def option_names(options: type = RunConfig, prefix: str = "") -> list[str]:
    """Every dotted field name of a config class."""
    names: list[str] = []
    for item in fields(options):
        section = item.default_factory
        if is_dataclass(section) and isinstance(section, type):
            names += option_names(section, f"{prefix}{item.name}.")
        else:
            names.append(f"{prefix}{item.name}")
    return names


def problems(config: RunConfig, *, strategies: Sequence[str]) -> list[str]:
    """Values and combinations that cannot work, in words."""
    minimum = {
        "rounds": (config.rounds, 0),
        "bootstrap": (config.bootstrap, 10),
        "backbone.image_size": (config.backbone.image_size, 32),
        "backbone.batch_size": (config.backbone.batch_size, 0),
        "finetune.epochs": (config.finetune.epochs, 0),
        "finetune.every": (config.finetune.every, 1),
        "finetune.batch_size": (config.finetune.batch_size, 2),
        "finetune.patience": (config.finetune.patience, 1),
        "head.max_iter": (config.head.max_iter, 1),
        "query.size": (config.query.size, 1),
        "query.seed_size": (config.query.seed_size, 1),
        "launch.threads": (config.launch.threads, 0),
        "seed": (config.seed, 0),
    }
    found = [f"{k}: {v} is below {low}" for k, (v, low) in minimum.items() if v < low]
    if config.head.C <= 0:
        found.append(f"head.C: {config.head.C} is not above 0")
    if not all(s > 0 for s in config.backbone.std):
        found.append(f"backbone.std: {list(config.backbone.std)} holds a value not above 0")
    if not 0 <= config.finetune.label_smoothing < 1:
        found.append(f"finetune.label_smoothing: {config.finetune.label_smoothing} is not in 0..1")
    if config.query.strategy not in strategies:
        found.append(
            f"query.strategy: {config.query.strategy!r} is unknown; "
            f"allowed: {', '.join(strategies)}"
        )
    if config.backbone.weights == "none" and config.finetune.epochs == 0:
        found.append(
            "backbone.weights: none with finetune.epochs: 0 would leave a random backbone "
            "untrained; set finetune.epochs, or give weights"
        )
    return found


def changes_refused(before: dict[str, Any], now: RunConfig) -> list[str]:
    """Fields of a running experiment that changed although its finished rounds depend on them."""
    old, new = flatten(before), flatten(to_dict(now))
    free = tuple(f"{name}." for name in _FREE)
    return [
        f"{key}: was {old.get(key)!r}, now {new.get(key)!r}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
        and not key.startswith(free)
        and not any(key == name or key.startswith(f"{name}.") for name in _PER_ROUND)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
