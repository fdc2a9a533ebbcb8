"""The request that creates a training job, as a function of what is known beforehand."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from classification.config import RunConfig, flatten, to_dict
from classification.config_sagemaker import LONGEST_TAG, NOT_IN_TAGS, SageMakerConfig, pairs
from classification.launch.machine_types import disk_gb, takes_key

UNPACK = (
    'set -e; r="${FIELDMARK_ML:-/opt/ml}"; mkdir -p "$r/code"; '
    'tar -xzf "$r/input/data/code/code.tar.gz" -C "$r/code"; cd "$r/code"; '
    "exec bash classification/launch/start.sh"
)
"""The container's command; AWS allows 256 characters."""
RUN_TAG = "fieldmark:run"
_RETRIES = 2  # after an internal error of AWS, which is not paid for
_HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a request needs beside the configuration."""

    name: str
    """Of the job."""
    run: str
    """``<model>/<experiment>``."""
    image: str
    channels: dict[str, str]
    """S3 address of each channel by its name."""
    checkpoints: str
    """S3 address."""
    output: str
    """S3 address."""
    environment: dict[str, str] = field(default_factory=dict)


def training_request(config: RunConfig, site: Site) -> dict[str, Any]:
    """``CreateTrainingJob`` for a checked configuration."""
    aws = config.launch.sagemaker
    request: dict[str, Any] = {
        "TrainingJobName": site.name,
        "RoleArn": aws.role,
        "AlgorithmSpecification": {
            "TrainingImage": site.image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["/bin/bash", "-c"],
            "ContainerArguments": [UNPACK],
        },
        "HyperParameters": hyperparameters(config),
        "InputDataConfig": [
            _channel(name, uri, sharded=aws.shard_crops and name == "crops")
            for name, uri in site.channels.items()
        ],
        "OutputDataConfig": {"S3OutputPath": site.output},
        "ResourceConfig": _machines(aws),
        "StoppingCondition": {"MaxRuntimeInSeconds": round(aws.max_hours * _HOUR)},
        "CheckpointConfig": {"S3Uri": site.checkpoints, "LocalPath": "/opt/ml/checkpoints"},
        "RetryStrategy": {"MaximumRetryAttempts": _RETRIES},
        "Environment": _environment(config, site),
        "Tags": _tags(aws, site),
    }
    if aws.spot:
        request["EnableManagedSpotTraining"] = True  # AWS takes no False beside several instances
        wait = round((aws.max_hours + aws.spot_wait_hours) * _HOUR)
        request["StoppingCondition"]["MaxWaitTimeInSeconds"] = wait
    if aws.kms_key:
        request["OutputDataConfig"]["KmsKeyId"] = aws.kms_key
        if takes_key(aws):
            request["ResourceConfig"]["VolumeKmsKeyId"] = aws.kms_key
    if aws.subnets:
        request["VpcConfig"] = {
            "Subnets": list(aws.subnets),
            "SecurityGroupIds": list(aws.security_groups),
        }
    return request


def hyperparameters(config: RunConfig) -> dict[str, str]:
    """The configuration as the container reads it: dotted fields, each as JSON.

    The account's own section stays here; in the container the run is a local one.
    """
    values = to_dict(config)
    values["launch"] = {**values["launch"], "backend": "local"}
    del values["launch"]["sagemaker"]
    values["labels"] = {**values["labels"], "store": ""}  # a copy of the labels travels along
    return {key: json.dumps(value) for key, value in flatten(values).items()}


def nested(parameters: dict[str, str]) -> dict[str, Any]:
    """The configuration out of `hyperparameters`, as a YAML file holds it."""
    values: dict[str, Any] = {}
    for key, text in parameters.items():
        *sections, name = key.split(".")
        place = values
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = json.loads(text)
    return values


def _channel(name: str, uri: str, *, sharded: bool) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": f"{uri}/",
                "S3DataDistributionType": "ShardedByS3Key" if sharded else "FullyReplicated",
            }
        },
        "InputMode": "File",
    }


def _machines(aws: SageMakerConfig) -> dict[str, Any]:
    machines: dict[str, Any] = {"VolumeSizeInGB": disk_gb(aws)}
    if len(aws.instances) == 1:
        machines |= {"InstanceType": aws.instances[0], "InstanceCount": aws.instance_count}
    else:
        machines["InstancePreferences"] = [
            {"InstanceType": instance, "InstanceCount": aws.instance_count}
            for instance in aws.instances
        ]
    if aws.warm_minutes:
        machines["KeepAlivePeriodInSeconds"] = 60 * aws.warm_minutes
    return machines


def _environment(config: RunConfig, site: Site) -> dict[str, str]:
    aws = config.launch.sagemaker
    return {
        **pairs(aws.environment),
        **site.environment,
        "FIELDMARK_RUN": site.run,
        "FIELDMARK_PROCESSES": str(config.launch.processes),
        "FIELDMARK_SHARDED": str(int(aws.shard_crops)),
        "FIELDMARK_CHECKPOINT_MINUTES": str(aws.checkpoint_minutes),
        # an image of one's own has the packages
        "FIELDMARK_INSTALL": "0" if aws.image else "1",
    }


def _tags(aws: SageMakerConfig, site: Site) -> list[dict[str, str]]:
    run = re.sub(NOT_IN_TAGS, "-", site.run)[:LONGEST_TAG]  # a folder may have any name
    tags = {"project": "fieldmark", **pairs(aws.tags), RUN_TAG: run}
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
