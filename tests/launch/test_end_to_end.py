"""The real container command on the loopback cloud: torchrun, checkpoints, spot, people."""

import json
import tarfile
import time

import pandas as pd
import pytest

from classification.files import read_json
from classification.labelling.store import Decision, LabelStore
from classification.launch import Job, Start
from classification.launch.cost import settle
from classification.launch.exchange import pull, push
from classification.launch.here import run_here
from classification.launch.records import config_of, jobs_of
from classification.launch.sagemaker import SageMakerLauncher
from classification.launch.start import resume
from classification.launch.watch import EXIT, Watch
from classification.paths import RunPaths
from classification.query.names import STRATEGY_NAMES
from classification.round_labels import read_query
from classification.settings import Override, load_config
from tests.launch.cloud import BUCKET, ROLE
from tests.tiny import Tiny, hide_labels, make_dataset, write_config

SECRETS = ("planted-secret-key", "AKIAPLANTED00000TEST", "planted-dotenv", "planted-password")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A project with relative names, and secrets where people keep them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("SOME_API_TOKEN=planted-dotenv\n")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "planted-password")
    data = make_dataset(tmp_path / "data" / "processed" / "tiny")
    made = Tiny(data=data, run=RunPaths(tmp_path / "runs" / "test" / "tiny"))
    write_config(made, **{"data.dir": "data/processed/tiny", "rounds": 7})
    return made


def job_of(tiny, **fields):
    values = {
        "launch.backend": "sagemaker",
        "launch.sagemaker.s3": f"s3://{BUCKET}/fieldmark",
        "launch.sagemaker.role": ROLE,
        "launch.sagemaker.image": "local",
        "launch.sagemaker.checkpoint_minutes": "0.005",
        **fields,
    }
    overrides = [Override(key=key, text=str(value)) for key, value in values.items()]
    config = load_config(tiny.run.config, overrides, strategies=STRATEGY_NAMES)
    return Job(config=config, run=tiny.run.root, resume=True)


def chosen(run):
    """What a run decided, without the last digits of its figures: another process may round
    otherwise."""
    rounds = []
    for number in run.complete_rounds():
        paths = run.round(number)
        metrics = read_json(paths.metrics, what="metrics")
        scores = [metrics[split] and metrics[split]["confusion"] for split in ("val", "test")]
        rounds.append((read_query(paths), paths.train.read_text(), scores))
    return rounds, {item: d.label for item, d in LabelStore(run.labels).current().items()}


def wait(record):
    return Watch(launcher=SageMakerLauncher(), record=record, poll=0.3, stall_seconds=600).wait()


def until(condition):
    end = time.monotonic() + 900
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_interrupted_with_and_without_notice_it_ends_as_an_uninterrupted_run_here(
    cloud, tiny, tmp_path, capsys
):
    job = job_of(tiny, **{"launch.sagemaker.spot": "true"})
    record = SageMakerLauncher().submit(job)
    running = cloud.jobs[record.name]
    place = f"{record.details['checkpoints'].removeprefix(f's3://{BUCKET}/')}/snapshots/"
    until(lambda: cloud.keys(place))
    assert SageMakerLauncher().status(record).checkpoint_age is not None
    for attempt, how in ((2, "interrupt"), (3, "vanish")):
        running.ask(how)
        until(lambda n=attempt: running.attempts == n or running.ended)
        machine = running.ml
        until(lambda m=machine: (m / "work" / "project" / "runs").exists() or running.ended)
    assert not running.ended, running.describe()
    code = wait(record)
    said = capsys.readouterr()
    assert code == 0, said.out
    assert running.attempts == 3
    assert "asked to end: saving" in said.out
    assert "going on from checkpoint" in said.out

    assert "8 rounds" in "\n".join(pull(record, config_of(record)))
    reference = RunPaths(tmp_path / "reference" / "run")
    run_here(Job(config=load_config(tiny.run.config, strategies=STRATEGY_NAMES),
                 run=reference.root, resume=True))  # fmt: skip
    assert chosen(tiny.run) == chosen(reference)
    assert tiny.run.report.exists()
    # and here everything is as if it had run here: nothing is left to do
    run_here(Job(config=load_config(tiny.run.config, strategies=STRATEGY_NAMES),
                 run=tiny.run.root, resume=True))  # fmt: skip
    assert chosen(tiny.run) == chosen(reference)

    model = tmp_path / "model.tar.gz"
    key = f"fieldmark/runs/test/tiny/output/{record.name}/output/model.tar.gz"
    cloud.clients["s3"].download_file(BUCKET, key, str(model))
    with tarfile.open(model) as tar:
        assert {"./model.json", "./model.safetensors"} <= set(tar.getnames())
    lines = "\n".join(settle(record, SageMakerLauncher().status(record), config_of(record)))
    assert "0.04 USD" in lines
    assert "25% saved by spot" in lines
    assert read_json(tiny.run.job(record.name).cost, what="cost")["final"] is True
    everything = [said.out, said.err, json.dumps(running.request), lines]
    everything += [path.read_bytes().decode("latin-1") for path in tiny.run.root.rglob("*.*")
                   if path.is_file()]  # fmt: skip
    for place in ("fieldmark/code", "fieldmark/runs", "fieldmark/checkpoints"):
        for key in cloud.keys(place):
            body = cloud.clients["s3"].get_object(Bucket=BUCKET, Key=key)["Body"].read()
            everything.append(body.decode("latin-1"))
    assert not [secret for secret in SECRETS if any(secret in text for text in everything)]


def test_a_failure_within_training_is_the_jobs_reason(cloud, tiny, capsys):
    job = job_of(tiny, **{"backbone.name": "timm/no_such_network"})
    record = SageMakerLauncher().submit(job)
    assert wait(record) == EXIT["failed"]
    reason = SageMakerLauncher().status(record).reason
    assert reason.startswith("AlgorithmError: unknown backbone 'timm/no_such_network'")
    assert "no_such_network" in capsys.readouterr().err


def test_people_label_between_two_jobs(cloud, tiny, tmp_path, capsys):
    hide_labels(tiny.data, tmp_path / "data" / "processed" / "hidden", keep=9)
    labels = pd.read_csv(tiny.data.table).set_index("path")["label"]
    fields = {"data.dir": "data/processed/hidden", "labels.source": "store", "rounds": 1}
    job = job_of(tiny, **fields)
    record = SageMakerLauncher().submit(job)
    assert wait(record) == 0
    assert "waiting for" in capsys.readouterr().out
    config = config_of(record)
    said = "\n".join(pull(record, config))
    assert "wait for labels" in said
    query = read_query(tiny.run.round(0))
    answers = [
        Decision(item=item, verdict="label", label=labels[item], annotator="ann",
                 source="app", round=0)
        for item in query
    ]  # fmt: skip
    LabelStore(tiny.run.labels).add(answers)
    assert "resume" in "\n".join(push(record, config))
    assert resume(record, Start(yes=True, follow=False)) == 0
    again = jobs_of(tiny.run.root)[-1]
    assert wait(again) == 0
    said = capsys.readouterr().out
    assert f"{len(query)} new label decisions" in said
    pull(again, config)
    assert tiny.run.complete_rounds() == [0, 1]
    assert len(LabelStore(tiny.run.labels).history()) == len(query)


def test_two_machines_with_half_of_the_crops_each_compute_what_one_computes(
    cloud, tiny, tmp_path, capsys
):
    fields = {
        "rounds": 2,
        "launch.sagemaker.instance_count": 2,
        "launch.sagemaker.shard_crops": True,
    }
    record = SageMakerLauncher().submit(job_of(tiny, **fields))
    assert wait(record) == 0, capsys.readouterr().out
    running = cloud.jobs[record.name]
    shares = [{p.name for p in (running.host(n) / "input/data/crops").iterdir()} for n in (0, 1)]
    assert len(shares[0] | shares[1]) == 90
    assert all(len(share) < 90 for share in shares)  # those trained on, and not the others
    pull(record, config_of(record))
    reference = RunPaths(tmp_path / "reference" / "run")
    alone = load_config(
        tiny.run.config, [Override(key="rounds", text="2")], strategies=STRATEGY_NAMES
    )
    run_here(Job(config=alone, run=reference.root, resume=True))
    assert chosen(tiny.run) == chosen(reference)
