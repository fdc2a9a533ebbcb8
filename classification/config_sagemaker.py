"""The account, machine and limits of a SageMaker training job, as a frozen dataclass."""

import re
from dataclasses import dataclass

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w!.*'()/-]*)?")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_SECRET = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)
_MOST_INSTANCES = 5  # SageMaker's own limit on preferences
_MOST_MACHINES = 20  # AWS's default quota for one job
_LONGEST_WARM = 360  # minutes a warm pool may be kept
_LONGEST_JOB = 28 * 24  # hours
RESERVED_TAGS = ("fieldmark:run",)
NOT_IN_TAGS = re.compile(r"[^\w .:/=+@-]")
LONGEST_TAG = 256
_LONGEST_VARIABLE = 512


@dataclass(frozen=True, kw_only=True)
class SageMakerConfig:
    """Used with launch.backend: sagemaker; infra/ makes bucket and role."""

    s3: str = ""
    """s3://bucket/prefix under which code, data, checkpoints and models of all runs lie."""
    role: str = ""
    """ARN of the role that the job takes, arn:aws:iam::<account>:role/<name>."""
    region: str = ""
    """AWS region; empty: AWS_REGION or that of the profile."""
    profile: str = ""
    """Profile of the AWS configuration to submit with; empty: the default credentials."""
    instances: tuple[str, ...] = ("ml.g5.xlarge",)
    """Machines in order of preference: the next is taken where the first has no capacity, at
    most 5. Not several with spot."""
    instance_count: int = 1
    """Machines that embed and train together, launch.processes on each; each costs its hours."""
    shard_crops: bool = False
    """Give each machine only its share of the crops, for pools larger than a disk; those that are
    trained on, the machines send each other. Not with finetune.semi."""
    volume_gb: int = 100
    """Disk of each machine in GB; those with one of their own (ml.g4dn, ml.g5, ml.g6) have that."""
    max_hours: float = 12.0
    """The job is ended after this many hours of training; bounds the cost."""
    spot: bool = False
    """Spare capacity at a discount; may be interrupted, and then goes on from its checkpoint."""
    spot_wait_hours: float = 12.0
    """With spot: hours beyond max_hours to wait for capacity in all."""
    checkpoint_minutes: float = 5.0
    """Minutes between two checkpoints of the run folder in S3; 0: only after each round. A job that
    loses its machine without notice repeats at most this much, and of fine-tuning also
    launch.save_minutes."""
    warm_minutes: int = 0
    """Minutes to keep the machine, paid, for the next job; 0: none. Not with spot."""
    pytorch: str = "2.10"
    """Version of AWS's PyTorch container."""
    image: str = ""
    """Address of your own container (infra/Dockerfile), which has all packages; empty: AWS's
    PyTorch container, in which the job installs the packages that are installed here."""
    kms_key: str = ""
    """KMS key for disk (but disks of the machine's own), code, data and models; empty: the bucket's
    own encryption."""
    subnets: tuple[str, ...] = ()
    """Subnets to run in; needs an S3 endpoint there. Together with security_groups."""
    security_groups: tuple[str, ...] = ()
    """Security groups of the job, together with subnets."""
    tags: tuple[str, ...] = ()
    """Tags as key=value; --tag adds to them."""
    environment: tuple[str, ...] = ()
    """Environment variables of the job as NAME=value; never secrets."""
    usd_per_hour: float = 0.0
    """Price of an hour of one machine; 0: the built-in list."""
    stall_minutes: float = 60.0
    """Waiting for a job gives up, with an own exit code, after this long without a sign of life."""


def pairs(items: tuple[str, ...]) -> dict[str, str]:
    """``("a=b",)`` as ``{"a": "b"}``."""
    return {key: value for key, _, value in (item.partition("=") for item in items)}


def sagemaker_problems(config: SageMakerConfig) -> list[str]:
    """What a job could not be made of, in words."""
    name = "launch.sagemaker"
    return [f"{name}.{fault}" for fault in (*_account(config), *_limits(config), *_pairs(config))]


def _account(config: SageMakerConfig) -> list[str]:
    found = []
    if not _S3.fullmatch(config.s3):
        found.append(f"s3: {config.s3!r} is not s3://bucket/prefix")
    if not _ROLE.fullmatch(config.role):
        found.append(f"role: {config.role!r} is not arn:aws:iam::<12 digits>:role/<name>")
    if config.region and not _REGION.fullmatch(config.region):
        found.append(f"region: {config.region!r} is not a region such as us-west-2")
    if bool(config.subnets) != bool(config.security_groups):
        found.append("subnets: subnets and security_groups go together; give both or neither")
    return found


def _limits(config: SageMakerConfig) -> list[str]:
    found = []
    wrong = [i for i in config.instances if not re.fullmatch(r"ml\.[a-z0-9-]+\.\w+", i)]
    if wrong or not 1 <= len(config.instances) <= _MOST_INSTANCES:
        found.append(
            f"instances: {list(config.instances)} must be 1 to {_MOST_INSTANCES} names such as "
            "ml.g5.xlarge"
        )
    if not 0 < config.max_hours <= _LONGEST_JOB:
        found.append(f"max_hours: {config.max_hours} is not in 0..{_LONGEST_JOB}")
    amounts = {f: getattr(config, f) for f in ("spot_wait_hours", "checkpoint_minutes")}
    amounts["usd_per_hour"] = config.usd_per_hour
    found += [f"{field}: {value} is below 0" for field, value in amounts.items() if value < 0]
    if config.stall_minutes <= 0:
        found.append(f"stall_minutes: {config.stall_minutes} is not above 0")
    if not 1 <= config.instance_count <= _MOST_MACHINES:
        found.append(f"instance_count: {config.instance_count} is not in 1..{_MOST_MACHINES}")
    if config.volume_gb < 1:
        found.append(f"volume_gb: {config.volume_gb} is below 1")
    if not 0 <= config.warm_minutes <= _LONGEST_WARM:
        found.append(f"warm_minutes: {config.warm_minutes} is not in 0..{_LONGEST_WARM}")
    if config.spot and len(config.instances) > 1:
        found.append(
            f"instances: AWS takes a list ({', '.join(config.instances)}) for on-demand machines "
            "only; with spot name one"
        )
    if config.spot and config.warm_minutes:
        found.append("warm_minutes: AWS keeps no warm machines for spot; give one of the two")
    if config.spot and not config.checkpoint_minutes:
        found.append(
            "spot: needs checkpoints by time (checkpoint_minutes above 0); a job interrupted more "
            "often than it saves would never end"
        )
    return found


def _pairs(config: SageMakerConfig) -> list[str]:
    found = []
    for field, pattern in (("tags", r"[\w .:/+@-]{1,128}"), ("environment", r"[A-Za-z_]\w*")):
        items: tuple[str, ...] = getattr(config, field)
        wrong = [i for i in items if "=" not in i or not re.fullmatch(pattern, i.partition("=")[0])]
        if wrong:
            found.append(f"{field}: not key=value: {', '.join(i.partition('=')[0] for i in wrong)}")
    found += [
        f"tags: AWS takes at most {LONGEST_TAG} letters, digits and _.:/=+-@ as value of {key}"
        for key, value in pairs(config.tags).items()
        if len(value) > LONGEST_TAG or NOT_IN_TAGS.search(value)
    ]
    found += [
        f"environment: {key} has {len(value)} characters; AWS takes at most {_LONGEST_VARIABLE}"
        for key, value in pairs(config.environment).items()
        if len(value) > _LONGEST_VARIABLE
    ]
    taken = [key for key in pairs(config.tags) if key in RESERVED_TAGS or key.startswith("aws:")]
    if taken:
        found.append(f"tags: {', '.join(taken)} is set by the launcher or AWS")
    # names only: a value that should not be seen must not be in a message either
    secret = [key for key in pairs(config.environment) if _SECRET.search(key)]
    if secret:
        found.append(
            f"environment: {', '.join(secret)} looks like a secret. Everyone who may describe the "
            "job would read it: give the role the right instead"
        )
    return found
