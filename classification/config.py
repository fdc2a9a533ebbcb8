"""What a run does, as frozen dataclasses. Nothing here touches disk, network or data.

One YAML file per experiment holds these fields; any of them can be overridden on the command line
as ``--query.size 50``. The docstring under a field is its ``--help``.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal

from classification.config_labels import LabelConfig, label_problems
from classification.config_learning import (
    BackboneConfig,
    FinetuneConfig,
    HeadConfig,
    learning_problems,
)
from classification.config_query import QueryConfig, is_own, query_problems
from classification.config_sagemaker import SageMakerConfig, sagemaker_problems


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
class TrackingConfig:
    """MLflow. Results are files first; MLflow gets a copy."""

    enabled: bool = True
    """Log to MLflow (MLFLOW_TRACKING_URI from the environment or .env; default SQLite in runs/)."""
    experiment: str = "fieldmark"
    """MLflow experiment."""
    register_as: str = ""
    """Name in the model registry; empty: <model>-<experiment> of the run folder."""
    licence: str = ""
    """Licence under which registered models may be used, such as CC-BY-4.0; kept with each."""


@dataclass(frozen=True, kw_only=True)
class LaunchConfig:
    """Where the run happens."""

    backend: Literal["local", "sagemaker"] = "local"
    """local: this machine; sagemaker: a training job on AWS."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """auto takes a GPU when there is one."""
    threads: int = 0
    """Threads that decode images; 0: one per core, shared by the processes."""
    processes: int = 1
    """Processes that embed and train together, on each machine; torchrun starts them. 0: one per
    GPU. Also --nproc."""
    save_minutes: float = 10.0
    """Minutes of fine-tuning, at most, that a run that was killed repeats: its state (four times
    the weights) is written so often, within an epoch, too, and when SIGTERM asks the run to end."""
    sagemaker: SageMakerConfig = field(default_factory=SageMakerConfig)


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
        "launch.threads": (config.launch.threads, 0),
        "launch.processes": (config.launch.processes, 0),
        "launch.save_minutes": (config.launch.save_minutes, 0),
        "seed": (config.seed, 0),
    }
    found = [f"{k}: {v} is below {low}" for k, (v, low) in minimum.items() if v < low]
    found += label_problems(config.labels)
    found += learning_problems(config.backbone, config.finetune, config.head)
    found += query_problems(config.query, strategies=strategies)
    if config.launch.backend == "sagemaker":
        found += sagemaker_problems(config.launch.sagemaker)
        if is_own(config.query.strategy):
            found.append(
                f"query.strategy: {config.query.strategy} is a file of this machine, which a job "
                "on SageMaker does not get; name one of the strategies there are"
            )
        if config.launch.sagemaker.shard_crops and config.finetune.semi.weight > 0:
            found.append(
                "launch.sagemaker.shard_crops: finetune.semi learns from the whole pool, which no "
                "machine would have; switch one of them off"
            )
        if config.labels.wait != "no":
            found.append(
                f"labels.wait: {config.labels.wait} would keep a paid machine waiting for people; "
                "on AWS give no: the job ends, and jobs.py resume goes on with their answers"
            )
    return found


def changes_refused(before: dict[str, Any], now: RunConfig) -> list[str]:
    """Fields of a running experiment that changed although its finished rounds depend on them."""
    # a field that came with a later version is at its default, which is what there was before
    old, new = flatten(to_dict(RunConfig())) | flatten(before), flatten(to_dict(now))
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
