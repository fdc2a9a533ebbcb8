"""What a training hour costs: a dated list, since AWS's price service needs a network."""

from classification.config_sagemaker import SageMakerConfig

LISTED = "2025-01"
"""What the list goes back to; it has not been compared with AWS since."""
_USD_PER_HOUR = {  # SageMaker training, on demand, us-east-1; other regions up to a third more
    "ml.m5.large": 0.115,
    "ml.m5.xlarge": 0.23,
    "ml.m5.2xlarge": 0.461,
    "ml.m5.4xlarge": 0.922,
    "ml.m5.12xlarge": 2.765,
    "ml.c5.xlarge": 0.204,
    "ml.c5.2xlarge": 0.408,
    "ml.c5.4xlarge": 0.816,
    "ml.c5.9xlarge": 1.836,
    "ml.g4dn.xlarge": 0.736,
    "ml.g4dn.2xlarge": 0.94,
    "ml.g4dn.4xlarge": 1.505,
    "ml.g4dn.12xlarge": 4.89,
    "ml.g5.xlarge": 1.408,
    "ml.g5.2xlarge": 1.515,
    "ml.g5.4xlarge": 2.03,
    "ml.g5.8xlarge": 3.06,
    "ml.g5.12xlarge": 7.09,
    "ml.g5.24xlarge": 10.18,
    "ml.g5.48xlarge": 20.36,
    "ml.g6.xlarge": 1.127,
    "ml.g6.2xlarge": 1.222,
    "ml.p3.2xlarge": 3.825,
    "ml.p3.8xlarge": 14.688,
    "ml.p4d.24xlarge": 37.688,
}


def usd_per_hour(config: SageMakerConfig, instance: str) -> float | None:
    """Price of an hour of a machine: the configured one, or the list's; None if neither knows."""
    return config.usd_per_hour or _USD_PER_HOUR.get(instance)


def source(config: SageMakerConfig) -> str:
    """Where a price comes from, for a person."""
    if config.usd_per_hour:
        return "launch.sagemaker.usd_per_hour"
    return f"on-demand list of {LISTED} for us-east-1; your region and contract may differ"
