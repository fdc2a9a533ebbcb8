"""What a person sees before a job is submitted, from the command line and without a network."""

import json
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from classification.config import TrackingConfig
from classification.config_sagemaker import SageMakerConfig
from classification.errors import FieldmarkError
from classification.launch import Job
from classification.launch.channels import Channel, Upload
from classification.launch.plan import _bytes_for_each, _hours, plan
from classification.paths import RunPaths
from classification.query.names import STRATEGY_NAMES
from classification.settings import Override, load_config
from tests.conftest import ROOT
from tests.tiny import Tiny, make_dataset, write_config

ACCOUNT = {
    "launch.backend": "sagemaker",
    "launch.sagemaker.s3": "s3://camera-traps/fieldmark",
    "launch.sagemaker.role": "arn:aws:iam::123456789012:role/train",
    "launch.sagemaker.region": "us-west-2",
    "launch.sagemaker.image": "mine:1",
}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = make_dataset(tmp_path / "data" / "processed" / "tiny", locations=6, per_location=3)
    made = Tiny(data=data, run=RunPaths(tmp_path / "runs" / "test" / "tiny"))
    write_config(made, **{"data.dir": "data/processed/tiny"})
    return made


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError(f"a network call: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def job_of(tiny, **fields):
    overrides = [Override(key=k, text=str(v)) for k, v in {**ACCOUNT, **fields}.items()]
    config = load_config(tiny.run.config, overrides, strategies=STRATEGY_NAMES)
    return Job(config=config, run=tiny.run.root, resume=True)


def test_a_plan_asks_no_network_and_names_price_limit_and_data(tiny, no_network):
    made = plan(job_of(tiny, **{"launch.sagemaker.max_hours": 2}))
    text = "\n".join(made.lines)
    assert "ml.g5.xlarge: 1.408 USD/h" in text
    assert "at most:  2.0 h, 2.82 USD" in text
    assert "crops 0.0 MB in 18 files" in text
    assert made.request["StoppingCondition"] == {"MaxRuntimeInSeconds": 7200}
    assert {c["ChannelName"] for c in made.request["InputDataConfig"]} == {
        "code",
        "tables",
        "crops",
    }


def test_the_price_of_a_warm_machine_and_of_the_dearest_fallback_count(tiny):
    fields = {
        "launch.sagemaker.max_hours": 2,
        "launch.sagemaker.warm_minutes": 60,
        "launch.sagemaker.instances": '["ml.g4dn.xlarge", "ml.g5.12xlarge"]',
    }
    assert "at most:  3.0 h, 21.27 USD" in "\n".join(plan(job_of(tiny, **fields)).lines)
    unknown = plan(job_of(tiny, **{"launch.sagemaker.instances": '["ml.new.1xlarge"]'}))
    assert "no price for ml.new.1xlarge" in "\n".join(unknown.lines)


def test_weights_and_labels_travel_when_there_are_any(tiny, tmp_path):
    from classification.labelling.store import Decision, LabelStore

    (tmp_path / "weights.pth").write_bytes(b"weights")
    answer = Decision(item="x", verdict="skip", label=None, annotator="a", source="app", round=0)
    LabelStore(tiny.run.labels).add([answer])
    made = plan(job_of(tiny, **{"backbone.weights": "weights.pth"}))
    found = {channel.name: channel for channel in made.channels}
    assert found["weights"].uploads[0].key.endswith("/weights.pth")
    assert found["labels"].uploads[0].key.endswith("/labels.db")
    assert made.request["HyperParameters"]["backbone.weights"] == '"weights.pth"'


@pytest.mark.parametrize(
    ("uri", "names", "passed"),
    [
        ("https://mlflow.example.org", {}, True),
        ("arn:aws:sagemaker:us-west-2:123456789012:mlflow-tracking-server/x", {}, True),
        ("sqlite:///runs/mlflow.db", {}, False),
        ("https://ann:hunter2@mlflow.example.org", {}, False),
        ("https://mlflow.example.org", {"MLFLOW_TRACKING_PASSWORD": "hunter2"}, False),
        ("https://mlflow.example.org", {"MLFLOW_TRACKING_TOKEN": "hunter2"}, False),
    ],
)
def test_a_tracking_server_is_passed_on_only_if_that_takes_no_secret(
    tiny, monkeypatch, uri, names, passed
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    if uri.startswith("arn:"):
        monkeypatch.setattr("classification.launch.archive.version", lambda name: "1.0")
    job = job_of(tiny)
    job = replace(job, config=replace(job.config, tracking=TrackingConfig(enabled=True)))
    made = plan(job)
    assert ("MLFLOW_TRACKING_URI" in made.request["Environment"]) == passed
    assert made.request["HyperParameters"]["tracking.enabled"] == json.dumps(passed)
    assert ("jobs.py pull" in "\n".join(made.lines)) != passed
    assert "hunter2" not in json.dumps(made.request) + "\n".join(made.lines)


def test_a_dataset_that_cannot_be_trained_on_is_found_out_before_it_costs(tiny):
    (tiny.data.crops / "cam0_0.jpg___crop_a0_0.jpg").unlink()
    with pytest.raises(FieldmarkError, match=r"1 crops of .* for example cam0_0"):
        plan(job_of(tiny))
    tiny.data.splits.unlink()
    with pytest.raises(FieldmarkError, match=r"splits\.json"):
        plan(job_of(tiny))


def test_aws_containers_by_version_and_machine(no_network):
    pytest.importorskip("sagemaker.core", reason="extra aws: the tables of AWS's containers")
    from classification.launch.images import training_image

    gpu = training_image(version="2.10", region="us-west-2", instance="ml.g5.xlarge")
    assert gpu.startswith("763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-training:2.10-gpu")
    cpu = training_image(version="2.10", region="eu-west-1", instance="ml.m5.xlarge")
    assert "eu-west-1" in cpu
    assert "-cpu-" in cpu
    with pytest.raises(FieldmarkError, match=r"no PyTorch 99\.0 container"):
        training_image(version="99.0", region="us-west-2", instance="ml.g5.xlarge")


def test_without_the_sagemaker_package_it_says_what_to_install(monkeypatch):
    from classification.launch.images import training_image

    monkeypatch.setitem(sys.modules, "sagemaker.core", None)
    with pytest.raises(FieldmarkError, match=r"\.\[aws\].*launch\.sagemaker\.image"):
        training_image(version="2.10", region="us-west-2", instance="ml.g5.xlarge")


def command(*words, cwd):
    return subprocess.run(
        [sys.executable, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=300
    )


def test_dry_run_prints_the_request_and_nothing_else_on_standard_output(tiny, tmp_path):
    account = [word for key, value in ACCOUNT.items() if key != "launch.backend"
               for word in (f"--{key}", value)]  # fmt: skip
    options = ["--backend", "sagemaker", "--dry-run", "--spot", "--max-hours", "1.5", "--tag",
               "owner=ann", "--tag", "cost=42"]  # fmt: skip
    train = [ROOT / "classification/train.py", "--config", tiny.run.config]
    done = command(*train, *options, *account, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    sent = json.loads(done.stdout)
    assert sent["EnableManagedSpotTraining"] is True
    assert sent["StoppingCondition"]["MaxRuntimeInSeconds"] == 5400
    tags = {tag["Key"]: tag["Value"] for tag in sent["Tags"]}
    assert tags["owner"] == "ann"
    assert tags["cost"] == "42"
    assert "at most:" in done.stderr
    assert not tiny.run.jobs.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dry-run"], "add --backend sagemaker"),
        (["--detach", "--follow"], "not both"),
        (["--backend", "sagemaker"], "launch.sagemaker.role"),
    ],
)
def test_what_does_not_go_together_is_said_at_once(tiny, tmp_path, options, message):
    train = [ROOT / "classification/train.py", "--config", tiny.run.config]
    done = command(*train, *options, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_data_larger_than_a_disk_is_found_out_before_it_is_sent(tiny, monkeypatch):
    size = 300e9
    monkeypatch.setattr("classification.launch.plan._bytes_for_each", lambda *_: size)
    for instance, volume, fits in (
        ("ml.g5.xlarge", 1000, False),  # has 250 GB, whatever is asked for
        ("ml.g5.2xlarge", 100, True),
        ("ml.m5.xlarge", 100, False),
        ("ml.m5.xlarge", 400, True),
        ("ml.p5.48xlarge", 100, True),  # its own disk is of unknown size
    ):
        job = job_of(
            tiny,
            **{
                "launch.sagemaker.instances": f'["{instance}"]',
                "launch.sagemaker.volume_gb": volume,
            },
        )
        if fits:
            plan(job)
        else:
            with pytest.raises(FieldmarkError, match=f"300 GB of data, more than.*{instance}"):
                plan(job)


def test_each_machine_gets_its_share_of_the_crops():
    channels = [
        Channel(name=name, prefix="", uploads=[Upload("", 90, "", b"")])
        for name in ("crops", "tables")
    ]
    machines = SageMakerConfig(instance_count=3, shard_crops=True)
    assert _bytes_for_each(machines, channels) == 30 + 90
    assert _bytes_for_each(replace(machines, shard_crops=False), channels) == 180


def test_gpus_that_would_be_paid_for_and_idle_are_named(tiny):
    several = {"launch.sagemaker.instances": '["ml.g5.12xlarge"]'}
    assert "4 GPUs, of which launch.processes: 1 uses 1" in "\n".join(
        plan(job_of(tiny, **several)).lines
    )
    assert "GPUs" not in "\n".join(plan(job_of(tiny, **several, **{"launch.processes": 0})).lines)
    assert "GPUs" not in "\n".join(plan(job_of(tiny)).lines)


def test_the_first_training_counts_in_the_estimate_though_no_later_one_follows(tiny):
    def hours(**fields):
        job = job_of(tiny, **{"query.size": 5000, "rounds": 50, **fields})
        return _hours(job.config, plan(job).channels)

    off = {"finetune.epochs": 0, "backbone.weights": "default"}
    none, first = hours(**off), hours(**off, **{"finetune.first.epochs": 10})
    assert first - none > 10 * 250_000 / 400 / 3600 * 0.99  # crops a second
    assert hours(**{"finetune.epochs": 10, "finetune.every": 10**6}) == pytest.approx(first)
