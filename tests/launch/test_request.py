"""The request is compared with one that a person has read, and with AWS's own model of it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from classification.config import LaunchConfig, RunConfig, TrackingConfig, problems
from classification.config_learning import FinetuneConfig, SemiConfig
from classification.config_sagemaker import SageMakerConfig
from classification.errors import FieldmarkError
from classification.launch.request import Site, hyperparameters, nested, training_request
from classification.query.names import STRATEGY_NAMES
from classification.settings import load_config
from tests.conftest import ROOT

GOLDEN = Path(__file__).parent / "golden"
PLAIN = SageMakerConfig(s3="s3://bucket/fieldmark", role="arn:aws:iam::123456789012:role/train")
FULL = replace(
    PLAIN,
    instances=("ml.m5.xlarge", "ml.c5.xlarge"),
    instance_count=2,
    shard_crops=True,
    max_hours=3,
    kms_key="arn:aws:kms:us-west-2:123456789012:key/abc",
    subnets=("subnet-1",),
    security_groups=("sg-1",),
    tags=("owner=ann", "project=cats"),
    environment=("OMP_NUM_THREADS=4",),
    image="123456789012.dkr.ecr.us-west-2.amazonaws.com/fieldmark:1",
)
SPOT = replace(PLAIN, spot=True, max_hours=3, spot_wait_hours=1.5)
SITE = Site(
    name="resnet-18-baseline-20260102-030405-abcdef",
    run="resnet-18/baseline",
    image="763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-training:2.10-gpu-py313",
    channels={
        name: f"s3://bucket/fieldmark/{name}" for name in ("code", "tables", "crops", "labels")
    },
    checkpoints="s3://bucket/fieldmark/runs/resnet-18/baseline/checkpoints/first",
    output="s3://bucket/fieldmark/runs/resnet-18/baseline/output",
    environment={"MLFLOW_TRACKING_URI": "https://mlflow.example.org"},
)


def config(aws):
    return RunConfig(launch=LaunchConfig(backend="sagemaker", sagemaker=aws))


@pytest.mark.parametrize(("name", "aws"), [("plain", PLAIN), ("full", FULL), ("spot", SPOT)])
def test_the_request_is_the_one_that_was_read(name, aws):
    """The fields of the run itself are compared below; here they would change with every field."""
    request = training_request(config(aws), SITE)
    del request["HyperParameters"]
    assert request == json.loads((GOLDEN / f"{name}.json").read_text())


def faults(shape, value, where=""):
    """What AWS's model of the API says against a value: types, names, lengths and patterns."""
    kinds = {"structure": dict, "map": dict, "list": list, "string": str, "integer": int}
    if not isinstance(value, kinds.get(shape.type_name, object)):
        return [f"{where} is no {shape.type_name}"]
    found = []
    limits = shape.metadata
    if shape.type_name in ("string", "list", "map"):
        low, high = limits.get("min", 0), limits.get("max", 10**9)
        found += [] if low <= len(value) <= high else [f"{where} has length {len(value)}"]
    if shape.type_name == "integer" and not (
        limits.get("min", 0) <= value <= limits.get("max", 10**12)
    ):
        found.append(f"{where} is {value}")
    pattern = limits.get("pattern")
    if pattern and r"\p" not in pattern and shape.type_name == "string":
        found += [] if re.fullmatch(pattern, value) else [f"{where}: {value!r} is not {pattern}"]
    if limits.get("enum") and value not in limits["enum"]:
        found.append(f"{where}: {value!r} is none of the values")
    if shape.type_name == "structure":
        found += [f"{where}.{k} is unknown" for k in value.keys() - shape.members.keys()]
        found += [f"{where}.{k} is missing" for k in set(shape.required_members) - value.keys()]
        for key in value.keys() & shape.members.keys():
            found += faults(shape.members[key], value[key], f"{where}.{key}")
    elif shape.type_name == "list":
        for item in value:
            found += faults(shape.member, item, f"{where}[]")
    elif shape.type_name == "map":
        for key, item in value.items():
            found += faults(shape.key, key, where) + faults(shape.value, item, f"{where}[{key}]")
    return found


@pytest.mark.parametrize("aws", [PLAIN, FULL, SPOT, replace(PLAIN, warm_minutes=30)])
def test_aws_would_take_the_request(aws):
    import botocore.session

    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateTrainingJob").input_shape
    assert faults(shape, training_request(config(aws), SITE)) == []
    assert faults(shape, {**training_request(config(aws), SITE), "TrainingJobName": "a_b"}) != []


@pytest.mark.parametrize("path", sorted(ROOT.glob("runs/*/*/config.yml")), ids=str)
def test_the_container_gets_the_configuration_back(path, tmp_path):
    import yaml

    given = load_config(path, strategies=STRATEGY_NAMES)
    given = replace(given, launch=replace(config(FULL).launch, device="cuda"))
    sent = json.loads(json.dumps(hyperparameters(given)))
    copy = tmp_path / "config.yml"
    copy.write_text(yaml.safe_dump(nested(sent)))
    got = load_config(copy, strategies=STRATEGY_NAMES)
    assert got == replace(given, launch=LaunchConfig(device="cuda"))
    assert len(sent) <= 100  # AWS's limit


def test_the_account_and_a_teams_database_stay_here():
    given = replace(config(FULL), labels=replace(RunConfig().labels, store="postgresql://h/x"))
    sent = hyperparameters(replace(given, tracking=TrackingConfig(enabled=False)))
    assert not [key for key in sent if "sagemaker" in key]
    assert sent["labels.store"] == '""'
    assert sent["launch.backend"] == '"local"'
    assert sent["tracking.enabled"] == "false"


def test_a_pool_in_parts_is_not_for_training_on_all_of_it():
    launch = LaunchConfig(backend="sagemaker", sagemaker=replace(PLAIN, shard_crops=True))
    given = RunConfig(launch=launch, finetune=FinetuneConfig(semi=SemiConfig(weight=1.0)))
    assert any("finetune.semi" in fault for fault in problems(given, strategies=["auto"]))
    assert not any("semi" in f for f in problems(RunConfig(launch=launch), strategies=["auto"]))


def test_what_aws_takes_alone_is_not_sent_together():
    """By the documentation of ResourceConfig.InstancePreferences and VolumeKmsKeyId."""
    several = training_request(config(FULL), SITE)
    assert "InstancePreferences" in several["ResourceConfig"]
    assert "EnableManagedSpotTraining" not in several
    both = problems(config(replace(FULL, spot=True)), strategies=["auto"])
    assert any("with spot name one" in fault for fault in both)
    assert not problems(config(SPOT), strategies=["auto"])


def test_a_disk_of_the_machines_own_takes_no_key_and_has_its_size():
    key = {"kms_key": FULL.kms_key, "volume_gb": 1000}
    own = training_request(config(replace(PLAIN, **key, instances=("ml.g4dn.xlarge",))), SITE)
    assert own["ResourceConfig"] == {
        "InstanceType": "ml.g4dn.xlarge",
        "InstanceCount": 1,
        "VolumeSizeInGB": 125,
    }
    assert own["OutputDataConfig"]["KmsKeyId"] == FULL.kms_key
    added = training_request(config(replace(PLAIN, **key, instances=("ml.p3.2xlarge",))), SITE)
    assert added["ResourceConfig"]["VolumeKmsKeyId"] == FULL.kms_key
    assert added["ResourceConfig"]["VolumeSizeInGB"] == 1000
    mixed = replace(PLAIN, **key, instances=("ml.g5.xlarge", "ml.p3.2xlarge"))
    with pytest.raises(FieldmarkError, match=r"no key for the disks of ml\.g5\.xlarge"):
        training_request(config(mixed), SITE)


def test_a_run_folder_of_any_name_has_a_tag_that_aws_takes():
    site = replace(SITE, run="resnet-18/été 2025 (copy) #2" + "x" * 300)
    tags = {t["Key"]: t["Value"] for t in training_request(config(PLAIN), site)["Tags"]}
    assert tags["fieldmark:run"].startswith("resnet-18/été 2025 -copy- -2xxx")
    assert len(tags["fieldmark:run"]) == 256


def test_values_that_aws_would_refuse_are_found_before_anything_is_sent():
    wrong = replace(PLAIN, tags=("note=50%", "long=" + "x" * 257), environment=("A=" + "x" * 513,))
    found = " ".join(problems(config(wrong), strategies=["auto"]))
    assert "value of note" in found
    assert "value of long" in found
    assert "A has 513 characters" in found
    right = replace(PLAIN, tags=("note=a.b:c/d=e+f-g@h i",), environment=("A=" + "x" * 512,))
    assert not problems(config(right), strategies=["auto"])
