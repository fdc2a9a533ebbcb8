import dataclasses

import pytest

from classification.config import LaunchConfig, RunConfig, problems
from classification.config_labels import LabelConfig
from classification.config_sagemaker import SageMakerConfig, sagemaker_problems
from classification.query.names import STRATEGY_NAMES

GOOD = SageMakerConfig(s3="s3://my-bucket/fieldmark", role="arn:aws:iam::123456789012:role/train")


def test_a_complete_account_has_no_problems():
    assert sagemaker_problems(GOOD) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"s3": "my-bucket"}, "s3"),
        ({"s3": ""}, "s3"),
        ({"role": "train"}, "role"),
        ({"region": "Oregon"}, "region"),
        ({"subnets": ("subnet-1",)}, "security_groups"),
        ({"instances": ()}, "instances"),
        ({"instances": ("g5.xlarge",)}, "instances"),
        ({"instances": ("ml.g5.xlarge",) * 6}, "1 to 5"),
        ({"max_hours": 0}, "max_hours"),
        ({"max_hours": 1000}, "max_hours"),
        ({"volume_gb": 0}, "volume_gb"),
        ({"usd_per_hour": -1}, "usd_per_hour"),
        ({"stall_minutes": 0}, "stall_minutes"),
        ({"warm_minutes": 400}, "warm_minutes"),
        ({"spot": True, "warm_minutes": 5}, "no warm machines"),
        ({"spot": True, "checkpoint_minutes": 0}, "checkpoints by time"),
        ({"tags": ("owner",)}, "key=value"),
        ({"tags": ("aws:x=1",)}, "set by the launcher or AWS"),
        ({"environment": ("1A=b",)}, "key=value"),
        ({"environment": ("HF_TOKEN=hunter2",)}, "looks like a secret"),
    ],
)
def test_what_cannot_work_is_named(change, word):
    found = sagemaker_problems(dataclasses.replace(GOOD, **change))
    assert len(found) == 1
    assert word in found[0]
    assert "hunter2" not in found[0]


def test_all_faults_are_reported_together():
    assert len(sagemaker_problems(SageMakerConfig(max_hours=0, volume_gb=0))) == 4


def test_an_account_is_asked_for_only_when_the_run_goes_there():
    assert problems(RunConfig(), strategies=STRATEGY_NAMES) == []
    launch = LaunchConfig(backend="sagemaker")
    assert len(problems(RunConfig(launch=launch), strategies=STRATEGY_NAMES)) == 2


@pytest.mark.parametrize("wait", ["enter", "watch"])
def test_nothing_on_aws_waits_for_people(wait):
    launch = LaunchConfig(backend="sagemaker", sagemaker=GOOD)
    config = RunConfig(launch=launch, labels=LabelConfig(source="timelapse", wait=wait))
    (fault,) = problems(config, strategies=STRATEGY_NAMES)
    assert f"labels.wait: {wait} would keep a paid machine waiting" in fault
