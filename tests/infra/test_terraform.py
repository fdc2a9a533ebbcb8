"""infra/: valid, formatted, what its own tests say, and made, unchanged and unmade on a stand-in.

Needs terraform and, as nothing may be downloaded, its AWS provider in a local mirror: a folder
that FIELDMARK_TERRAFORM_PLUGINS names, or one of those that terraform itself looks into.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from classification.config_sagemaker import SageMakerConfig, sagemaker_problems
from classification.paths import BucketPaths
from tests.conftest import ROOT

INFRA = ROOT / "infra"
KEYS = {"aws_access_key_id": "stand-in", "aws_secret_access_key": "stand-in"}
REGION = "us-west-2"


def mirror():
    """A folder with the AWS provider, or None."""
    named = os.environ.get("FIELDMARK_TERRAFORM_PLUGINS")
    usual = (
        Path.home() / ".terraform.d/plugins",
        Path.home() / ".local/share/terraform/plugins",
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
        *sorted(Path("/opt").glob("*")),
    )
    folders = [Path(named)] if named else usual
    return next((f for f in folders if any(f.glob("*/hashicorp/aws"))), None)


@pytest.fixture(scope="module")
def terraform(tmp_path_factory):
    """Runs terraform on a copy of infra/; its answer, after it succeeded."""
    program, plugins = shutil.which("terraform"), mirror()
    if program is None:
        pytest.skip("terraform is not installed")
    if plugins is None:
        pytest.skip(
            "no local mirror of terraform's AWS provider: terraform providers mirror FOLDER, and "
            "FIELDMARK_TERRAFORM_PLUGINS=FOLDER"
        )
    folder = tmp_path_factory.mktemp("infra")
    for path in INFRA.glob("*.tf"):
        shutil.copy(path, folder)
    shutil.copytree(INFRA / "tests", folder / "tests")
    # nothing of this machine's account, settings or proxies
    kept = {k: os.environ[k] for k in ("PATH", "HOME", "TMPDIR") if k in os.environ}
    environment = {**kept, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}

    def run(*words):
        done = subprocess.run(
            [program, *words, "-no-color"],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, f"terraform {words}:\n{done.stdout[-4000:]}{done.stderr}"
        return done.stdout

    run("init", f"-plugin-dir={plugins}", "-input=false")
    return run


def test_it_is_valid_and_formatted(terraform):
    terraform("validate")
    terraform("fmt", "-check", "-recursive")


def test_its_own_tests_pass(terraform):
    assert "0 failed" in terraform("test")


@pytest.fixture
def server():
    """moto's S3, IAM and STS."""
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


def client(name, server):
    return boto3.client(name, region_name=REGION, endpoint_url=server, **KEYS)


def standing(server):
    """Names of what is there; other tests of this process leave things in the same moto."""
    buckets = client("s3", server).list_buckets()["Buckets"]
    roles = client("iam", server).list_roles()["Roles"]
    return {bucket["Name"] for bucket in buckets} | {role["RoleName"] for role in roles}


def test_it_is_made_stays_as_it_is_and_is_unmade(terraform, server):
    # the provider waits a minute for lifecycle rules to spread, and without end for some answers
    # of moto's about budgets and container registries; those are for terraform's own tests
    given = {"bucket": "camera-traps-infra", "endpoint_url": server, "lifecycle_rules": "false"}
    variables = [f"-var={key}={value}" for key, value in given.items()]
    before = standing(server)
    terraform("apply", "-auto-approve", "-input=false", *variables)
    try:
        again = terraform("plan", "-input=false", *variables)
        assert "No changes" in again
        outputs = json.loads(terraform("output", "-json"))
        made = yaml.safe_load(outputs["config"]["value"])["launch"]["sagemaker"]
        assert sagemaker_problems(SageMakerConfig(**made)) == []
        assert standing(server) > before
        s3, iam = client("s3", server), client("iam", server)
        bucket = outputs["bucket"]["value"]
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        document = iam.get_role_policy(RoleName="fieldmark-training", PolicyName="training")
        objects = next(s for s in document["PolicyDocument"]["Statement"] if s["Sid"] == "Objects")
        assert objects["Resource"] == f"arn:aws:s3:::{bucket}/fieldmark/*"
    finally:
        terraform("destroy", "-auto-approve", "-input=false", *variables)
    assert standing(server) == before


def test_the_lifecycle_rule_is_for_where_jobs_put_checkpoints():
    key = BucketPaths("fieldmark").checkpoints("resnet-18/baseline", "first")
    assert key.startswith("fieldmark/checkpoints/")
    assert "${local.key}checkpoints/" in (INFRA / "storage.tf").read_text()


def test_what_a_launcher_asks_of_aws_is_what_its_policy_allows():
    """Every operation that the code calls, by the name that IAM has for it."""
    actions = {
        "create_training_job": "sagemaker:CreateTrainingJob",
        "describe_training_job": "sagemaker:DescribeTrainingJob",
        "stop_training_job": "sagemaker:StopTrainingJob",
        "describe_log_streams": "logs:DescribeLogStreams",
        "get_log_events": "logs:GetLogEvents",
        "list_objects_v2": "s3:ListBucket",
        "get_object": "s3:GetObject",
        "get_bucket_location": "s3:GetBucketLocation",
        "put_object": "s3:PutObject",
    }
    code = "".join(path.read_text() for path in (ROOT / "classification/launch").glob("*.py"))
    clients = [boto3.client(n, region_name=REGION, **KEYS) for n in ("sagemaker", "s3", "logs")]
    known = {name for c in clients for name in c.meta.method_to_api_mapping}
    called = {name for name in known if f'"{name}"' in code}
    assert called == set(actions)
    policy = (INFRA / "launcher.tf").read_text()
    assert [action for action in actions.values() if f'"{action}"' not in policy] == []
