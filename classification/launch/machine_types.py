"""What is known of AWS's machines beside their price: disks of their own, and several GPUs."""

import re

from classification.config_sagemaker import SageMakerConfig
from classification.errors import FieldmarkError

# Families that bring an SSD: AWS adds no other disk to them, and takes no key for theirs, which the
# hardware encrypts.
_OWN_DISK = re.compile(r"ml\.(g4dn|g5|g6|g6e|g7e|p3dn|p4de?|p5(e|en)?|p6-\w+|trn\d\w?|[mcr]\dd)\.")
_DISK_GB = {
    "ml.g4dn.xlarge": 125,
    "ml.g4dn.2xlarge": 225,
    "ml.g4dn.4xlarge": 225,
    "ml.g4dn.8xlarge": 900,
    "ml.g4dn.12xlarge": 900,
    "ml.g4dn.16xlarge": 900,
    "ml.g5.xlarge": 250,
    "ml.g5.2xlarge": 450,
    "ml.g5.4xlarge": 600,
    "ml.g5.8xlarge": 900,
    "ml.g5.12xlarge": 3800,
    "ml.g5.16xlarge": 1900,
    "ml.g5.24xlarge": 3800,
    "ml.g5.48xlarge": 7600,
    "ml.g6.xlarge": 250,
    "ml.g6.2xlarge": 450,
    "ml.g6.4xlarge": 600,
    "ml.g6.8xlarge": 900,
    "ml.g6.12xlarge": 3760,
    "ml.g6.16xlarge": 1880,
    "ml.g6.24xlarge": 3760,
    "ml.g6.48xlarge": 7520,
    "ml.p4d.24xlarge": 8000,
}
_GPUS = {
    "ml.g4dn.12xlarge": 4,
    "ml.g5.12xlarge": 4,
    "ml.g5.24xlarge": 4,
    "ml.g5.48xlarge": 8,
    "ml.g6.12xlarge": 4,
    "ml.g6.24xlarge": 4,
    "ml.g6.48xlarge": 8,
    "ml.p3.8xlarge": 4,
    "ml.p3.16xlarge": 8,
    "ml.p4d.24xlarge": 8,
}


def own_disk(instance: str) -> bool:
    """Whether a machine brings its own disk."""
    return _OWN_DISK.match(instance) is not None


def disk_gb(config: SageMakerConfig) -> int:
    """Disk to ask for: the configured one, or less where a machine has less of its own."""
    own = [_DISK_GB[i] for i in config.instances if i in _DISK_GB]
    return min([config.volume_gb, *own])


def takes_key(config: SageMakerConfig) -> bool:
    """Whether AWS takes a KMS key for the disk of these machines.

    Raises:
        FieldmarkError: for some of them, and demands one answer for all.
    """
    own = [i for i in config.instances if own_disk(i)]
    if own and len(own) < len(config.instances):
        raise FieldmarkError(
            f"launch.sagemaker.kms_key: AWS takes no key for the disks of {', '.join(own)}, which "
            "their hardware encrypts, and demands one for the other launch.sagemaker.instances: "
            "name only machines of one of the two kinds"
        )
    return not own


def require_room(config: SageMakerConfig, data: int) -> None:
    """Refuse data that the disk of a machine cannot hold, before anything is sent or paid.

    Args:
        config: the machines.
        data: bytes that each machine gets.

    Raises:
        FieldmarkError: it does not fit.
    """
    for instance in config.instances:
        # the whole of a disk of its own is there, whatever is asked for
        room = _DISK_GB.get(instance, config.volume_gb)
        if data > room * 1e9 and (instance in _DISK_GB or not own_disk(instance)):
            raise FieldmarkError(
                f"each machine gets {data / 1e9:.0f} GB of data, more than the {room} GB of "
                f"{instance}: set launch.sagemaker.volume_gb, other instances (ml.g* bring a disk "
                "of a fixed size), or shard_crops with several machines"
            )


def idle_gpus(config: SageMakerConfig, processes: int) -> list[str]:
    """Machines of which GPUs would be paid for and not used, in words."""
    return [
        f"{instance} has {_GPUS[instance]} GPUs, of which launch.processes: {processes} uses "
        f"{processes}; 0 uses all"
        for instance in config.instances
        if 0 < processes < _GPUS.get(instance, 1)
    ]
