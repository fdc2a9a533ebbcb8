"""A SageMaker job before it is submitted: its request, what it moves, what it costs at most.

Nothing here asks a network.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from classification.config import RunConfig
from classification.config_sagemaker import SageMakerConfig
from classification.launch import Job
from classification.launch.archive import code_archive
from classification.launch.aws import default_region, split_uri
from classification.launch.channels import Channel, plan_channels, run_name
from classification.launch.images import training_image
from classification.launch.machine_types import idle_gpus, require_room
from classification.launch.prices import source, usd_per_hour
from classification.launch.records import jobs_of, new_name
from classification.launch.request import Site, training_request
from classification.paths import BucketPaths, RunPaths

_CROPS_PER_SECOND = 400  # decoding on the four cores of the smallest GPU machine
_START_SECONDS = 420  # to get a machine, its container and the packages
_BYTES_PER_SECOND = 100e6  # from S3 to the machine


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A job as it would be submitted."""

    request: dict[str, Any]
    channels: list[Channel]
    lines: list[str]
    """Price, limits and data, for a person."""
    region: str
    bucket: str
    checkpoints: str
    """S3 address."""

    @property
    def name(self) -> str:
        """Name of the job."""
        return self.request["TrainingJobName"]


def plan(job: Job) -> Plan:
    """Plan a job.

    Raises:
        FieldmarkError: the dataset is not fit to train on, or the container is not known.
    """
    from classification.data.dataset import load_dataset

    config, run = job.config, RunPaths(job.run)
    # found out before a machine is paid for
    load_dataset(config.data, people=config.labels.source != "oracle")
    aws = config.launch.sagemaker
    region = default_region(aws.region, aws.profile)
    bucket, prefix = split_uri(aws.s3)
    keys = BucketPaths(prefix)
    tracking = _tracking_address(config, run)
    archive = code_archive(extra=("sagemaker-mlflow",) if tracking.startswith("arn:") else ())
    channels = plan_channels(config, run, archive, keys)
    require_room(aws, _bytes_for_each(aws, channels))
    checkpoints = f"s3://{bucket}/{keys.checkpoints(run_name(run), _generation(job))}"
    site = Site(
        name=new_name(job.run),
        run=run_name(run),
        image=aws.image
        or training_image(version=aws.pytorch, region=region, instance=aws.instances[0]),
        channels={channel.name: f"s3://{bucket}/{channel.prefix}" for channel in channels},
        checkpoints=checkpoints,
        output=f"s3://{bucket}/{keys.output(run_name(run))}",
        environment={"MLFLOW_TRACKING_URI": tracking} if tracking else {},
    )
    return Plan(
        request=training_request(_with_tracking(config, tracking), site),
        channels=channels,
        lines=[*_price_lines(config, channels), *_data_lines(channels), *_notes(config, tracking)],
        region=region,
        bucket=bucket,
        checkpoints=checkpoints,
    )


def _generation(job: Job) -> str:
    """Name of the run's checkpoints: those of its newest job, or others for a fresh start."""
    if not job.resume:
        return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    known = [r.details["checkpoints"] for r in jobs_of(job.run) if "checkpoints" in r.details]
    return known[-1].rpartition("/")[2] if known else "first"


def _tracking_address(config: RunConfig, run: RunPaths) -> str:
    """The MLflow server, if a job on AWS can use it without being given a secret."""
    import os

    from classification.tracking_store import masked, tracking_uri

    if not config.tracking.enabled:
        return ""
    uri = tracking_uri(run)
    remote = uri.startswith(("http://", "https://", "arn:"))
    secret = masked(uri) != uri or any(
        os.environ.get(f"MLFLOW_TRACKING_{name}") for name in ("USERNAME", "PASSWORD", "TOKEN")
    )
    return uri if remote and not secret else ""


def _with_tracking(config: RunConfig, tracking: str) -> RunConfig:
    from dataclasses import replace

    if tracking or not config.tracking.enabled:
        return config
    return replace(config, tracking=replace(config.tracking, enabled=False))


def _price_lines(config: RunConfig, channels: list[Channel]) -> list[str]:
    aws = config.launch.sagemaker
    hours = _hours(config, channels)
    prices = {instance: usd_per_hour(aws, instance) for instance in aws.instances}
    many = f"{aws.instance_count} x " if aws.instance_count > 1 else ""
    lines = [
        f"{many}{instance}: " + (f"{price:.3f} USD/h" if price else "price not in the list")
        for instance, price in prices.items()
    ]
    unknown = [instance for instance, price in prices.items() if not price]
    known = [price * aws.instance_count for price in prices.values() if price]
    if unknown:
        lines.append(f"no price for {', '.join(unknown)}: set launch.sagemaker.usd_per_hour")
    elif known:
        warm = aws.warm_minutes / 60
        lines += [
            f"estimate: {hours:.1f} h, {hours * known[0]:.2f} USD"
            + ("; spot usually costs less than half of it" if aws.spot else ""),
            f"at most:  {aws.max_hours + warm:.1f} h, {(aws.max_hours + warm) * max(known):.2f} USD"
            + (f", {warm:.1f} h of it to keep the machine warm" if warm else ""),
        ]
    return [*lines, f"prices:   {source(aws)}"]


def _hours(config: RunConfig, channels: list[Channel]) -> float:
    """A rule of thumb: start, download, and every crop decoded once per pass."""
    crops = next(channel for channel in channels if channel.name == "crops")
    trained = config.query.seed_size + config.query.size * config.rounds
    first = config.finetune.recipe(first=True).epochs
    later = max(0, trained // config.finetune.every - 1) if config.finetune.epochs else 0
    tunings, epochs = (first > 0) + later, first + later * config.finetune.epochs
    passes = (1 + tunings) * len(crops.uploads) + epochs * trained
    data = sum(channel.size for channel in channels)
    seconds = _START_SECONDS + data / _BYTES_PER_SECOND + passes / _CROPS_PER_SECOND
    return min(seconds / 3600, config.launch.sagemaker.max_hours)


def _data_lines(channels: list[Channel]) -> list[str]:
    total = sum(channel.size for channel in channels)
    parts = ", ".join(
        f"{channel.name} {channel.size / 1e6:.1f} MB in {len(channel.uploads)} files"
        for channel in channels
    )
    return [f"data:     {total / 1e6:.1f} MB ({parts}); what S3 has already is not sent again"]


def _bytes_for_each(aws: SageMakerConfig, channels: list[Channel]) -> int:
    """What one of the machines gets."""
    shared = aws.instance_count if aws.shard_crops else 1
    return sum(c.size // (shared if c.name == "crops" else 1) for c in channels)


def _notes(config: RunConfig, tracking: str) -> list[str]:
    aws: SageMakerConfig = config.launch.sagemaker
    notes = [f"GPUs:     {line}" for line in idle_gpus(aws, config.launch.processes)]
    if config.tracking.enabled and not tracking:
        notes.append(
            "MLflow:   not from within the job, which gets no passwords and cannot reach a local "
            "store; jobs.py pull sends the results from here"
        )
    if config.backbone.weights == "default":
        notes.append(
            "weights:  downloaded by the job"
            + (", which needs a way out of your subnets" if aws.subnets else "")
        )
    weights = Path(config.backbone.weights)
    if weights.suffix and not weights.is_file():
        notes.append(f"weights:  {weights} is not a file here")
    return notes
