"""Jobs on the loopback cloud whose container runs a line of shell: submit, look, stop, wait."""

import json
import time
from datetime import UTC, datetime

import pytest

from classification.errors import FieldmarkError
from classification.launch import Job, Start, UnreachableError, request, sagemaker
from classification.launch.aws import Aws
from classification.launch.records import jobs_of
from classification.launch.sagemaker import SageMakerLauncher
from classification.launch.start import resume, start
from classification.launch.watch import EXIT, Watch
from classification.paths import RunPaths
from classification.query.names import STRATEGY_NAMES
from classification.settings import Override, load_config
from tests.launch.cloud import BUCKET, ROLE
from tests.launch.fakes import record
from tests.tiny import Tiny, make_dataset, write_config


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A project of its own, with relative names as people use them."""
    monkeypatch.chdir(tmp_path)
    data = make_dataset(tmp_path / "data" / "processed" / "tiny", locations=6, per_location=3)
    made = Tiny(data=data, run=RunPaths(tmp_path / "runs" / "test" / "tiny"))
    write_config(made, **{"data.dir": "data/processed/tiny"})
    return made


def job_of(tiny, *, resume=True, **fields):
    values = {
        "launch.backend": "sagemaker",
        "launch.sagemaker.s3": f"s3://{BUCKET}/fieldmark",
        "launch.sagemaker.role": ROLE,
        "launch.sagemaker.image": "local",
        **{f"launch.sagemaker.{key}": value for key, value in fields.items()},
    }
    overrides = [Override(key=key, text=str(value)) for key, value in values.items()]
    config = load_config(tiny.run.config, overrides, strategies=STRATEGY_NAMES)
    return Job(config=config, run=tiny.run.root, resume=resume)


@pytest.fixture
def shell(monkeypatch):
    """Give the container another command."""

    def command(text):
        monkeypatch.setattr(request, "UNPACK", text)

    return command


def wait(launcher, record, **options):
    return Watch(launcher=launcher, record=record, poll=0.1, **options).wait()


def until(condition):
    end = time.monotonic() + 900
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_job_is_submitted_followed_and_done(cloud, tiny, shell, capsys):
    shell("echo hello; echo world")
    launcher = SageMakerLauncher()
    record = launcher.submit(job_of(tiny, tags='["owner=ann"]'))
    assert wait(launcher, record) == 0
    said = capsys.readouterr()
    assert said.out.endswith("hello\nworld\n")
    state = launcher.status(record)
    assert (state.status, state.billable_seconds, state.machine) == (
        "completed",
        90,
        "ml.g5.xlarge",
    )
    sent = json.loads(tiny.run.job(record.name).request.read_text())
    assert sent["Tags"][1] == {"Key": "owner", "Value": "ann"}
    assert sent == json.loads(json.dumps(cloud.jobs[record.name].request))


def test_what_s3_has_is_not_sent_again(cloud, tiny, shell, capsys):
    shell("true")
    launcher = SageMakerLauncher()
    launcher.submit(job_of(tiny))
    first = {line.partition(":")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert not any(line.split(": ")[1].startswith("0.0 of") for line in (first["code"],))
    launcher.submit(job_of(tiny))
    again = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1].startswith("0.0 of") for line in again] == [True] * len(again)
    changed = tiny.data.crops / "cam0_0.jpg___crop_a0_0.jpg"
    text = tiny.data.table.read_text()
    row = next(line for line in text.splitlines() if line.startswith(changed.name))
    changed.write_bytes(changed.read_bytes() + b" ")
    tiny.data.table.write_text(text.replace(row.rpartition(",")[2], "0" * 64))
    launcher.submit(job_of(tiny))
    key = f"fieldmark/data/tiny/crops/{changed.name}"
    body = cloud.clients["s3"].get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert body == changed.read_bytes()


@pytest.mark.parametrize(
    ("command", "options", "status", "reason"),
    [
        ("echo boom; echo why > $FIELDMARK_ML/output/failure; exit 3", {}, "failed", "why"),
        ("sleep 300", {"max_hours": 0.0004}, "timed out", "--max-hours"),
    ],
)
def test_bad_ends_differ_and_say_why(cloud, tiny, shell, capsys, command, options, status, reason):
    shell(command)
    launcher = SageMakerLauncher()
    record = launcher.submit(job_of(tiny, **options))
    assert wait(launcher, record) == EXIT[status]
    state = launcher.status(record)
    assert state.status == status
    assert reason in state.reason
    assert "jobs.py resume" in capsys.readouterr().err


def test_a_stopped_job_gets_its_signal_and_is_no_success(cloud, tiny, shell, capsys):
    shell("trap 'echo saving; exit 143' TERM; echo ready; while :; do sleep 0.1; done")
    launcher = SageMakerLauncher()
    record = launcher.submit(job_of(tiny))
    until(lambda: launcher.logs(record).lines == ["ready"])
    assert launcher.status(record).log_age < 60
    assert launcher.status(record).checkpoint_age is None
    with pytest.raises(FieldmarkError, match="is running; stop it first"):
        resume(record, Start(yes=True))
    launcher.stop(record)
    assert wait(launcher, record) == EXIT["stopped"]
    assert capsys.readouterr().out.endswith("ready\nsaving\n")
    launcher.stop(record)  # has ended: nothing happens
    assert resume(record, Start(yes=True, follow=False)) == 0
    first, second = jobs_of(tiny.run.root)
    assert second.details["checkpoints"] == first.details["checkpoints"]


def test_two_jobs_of_one_second_are_two_jobs_and_a_fresh_start_has_its_own_checkpoints(
    cloud, tiny, shell
):
    shell("true")
    launcher = SageMakerLauncher()
    first, second = launcher.submit(job_of(tiny)), launcher.submit(job_of(tiny))
    assert len(cloud.jobs) == 2
    fresh = launcher.submit(job_of(tiny, resume=False))
    places = [record.details["checkpoints"] for record in (first, second, fresh)]
    assert places[0] == places[1] != places[2]


def test_waiting_outlives_expired_credentials_and_throttling(cloud, tiny, shell, capsys):
    shell("echo done")
    launcher = SageMakerLauncher()
    record = launcher.submit(job_of(tiny))
    cloud.faults["describe"] = ["ExpiredTokenException", "ExpiredTokenException"]
    assert wait(launcher, record) == 0
    said = capsys.readouterr().err
    assert said.count("no news of the job") == 1
    cloud.faults["describe"] = ["ThrottlingException"]  # boto3 tries again by itself
    assert launcher.status(record).status == "completed"
    cloud.faults["describe"] = ["ThrottlingException"] * 4
    with pytest.raises(UnreachableError, match="Throttling"):
        launcher.status(record)


def test_what_aws_refuses_is_said_with_advice(cloud, tiny, shell):
    shell("true")
    launcher = SageMakerLauncher()
    with pytest.raises(FieldmarkError, match=r"NoSuchBucket.*launch\.sagemaker\.s3"):
        launcher.submit(job_of(tiny, s3="s3://no-such-bucket/x"))
    with pytest.raises(FieldmarkError, match=r"AccessDeniedException.*may not pass the role"):
        launcher.submit(job_of(tiny, role=ROLE.replace("/train", "/denied")))
    cloud.faults["create"] = ["ResourceLimitExceeded"]
    with pytest.raises(FieldmarkError, match="higher quota"):
        launcher.submit(job_of(tiny))
    assert not cloud.jobs
    assert not jobs_of(tiny.run.root)
    lost = record(run=tiny.run.root, region="us-west-2", profile="", checkpoints="s3://x/y")
    with pytest.raises(FieldmarkError, match="not found"):
        launcher.status(lost)
    with pytest.raises(FieldmarkError, match="no AWS profile 'nobody'"):
        launcher.submit(job_of(tiny, profile="nobody", region="us-west-2"))


def test_a_server_that_is_gone_may_come_back(cloud, tiny, shell, monkeypatch):
    shell("true")
    record = SageMakerLauncher().submit(job_of(tiny))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UnreachableError, match="EndpointConnectionError"):
        SageMakerLauncher().status(record)


def test_nothing_is_submitted_without_consent(cloud, tiny, shell, monkeypatch, capsys):
    shell("true")
    with pytest.raises(FieldmarkError, match="add --yes"):
        start(job_of(tiny), Start())
    for answer, number in (("n\n", 0), ("y\n", 1)):
        monkeypatch.setattr("sys.stdin", type("Tty", (), {"isatty": lambda s: True,
            "readline": lambda s, a=answer: a})())  # fmt: skip
        if number:
            assert start(job_of(tiny), Start(follow=False)) == 0
        else:
            with pytest.raises(FieldmarkError, match="nothing was sent"):
                start(job_of(tiny), Start())
            assert cloud.keys() == []
        assert len(cloud.jobs) == number
    assert "at most:" in capsys.readouterr().err


def test_a_job_whose_creation_was_answered_but_not_heard_is_not_lost(cloud, tiny, shell):
    """boto3 sends again what got no answer; AWS then says that there is such a job."""
    shell("echo done")
    create = cloud.create

    def deaf(request):
        create(request)
        return create(request)

    cloud.create = deaf
    record = SageMakerLauncher().submit(job_of(tiny))
    assert jobs_of(tiny.run.root) == [record]
    assert wait(SageMakerLauncher(), record) == 0


def test_a_bucket_elsewhere_is_found_out_before_anything_is_sent(cloud, tiny, shell):
    shell("true")
    with pytest.raises(FieldmarkError, match="is in us-west-2 and the job would run in eu-west-1"):
        SageMakerLauncher().submit(job_of(tiny, region="eu-west-1"))
    assert cloud.keys() == []
    assert not jobs_of(tiny.run.root)


class Answers:
    """Stands for `Aws`, with answers of CloudWatch Logs by operation."""

    def __init__(self, *events):
        self.events, self.calls = list(events), []

    def pages(self, service, operation, key, **values):
        assert (service, operation, key) == ("logs", "describe_log_streams", "logStreams")
        yield {"logStreamName": "job/algo-1"}

    def call(self, service, operation, **values):
        self.calls.append(values.get("nextToken", ""))
        number = int(values.get("nextToken", "0"))
        if number == len(self.events):
            return {"events": [], "nextForwardToken": str(number)}
        events = [{"message": line} for line in self.events[number]]
        return {"events": events, "nextForwardToken": str(number + 1)}


def test_an_empty_page_of_the_log_is_not_its_end(monkeypatch):
    aws = Answers(["one"], [], [], ["two"], [])
    monkeypatch.setattr(SageMakerLauncher, "_aws", lambda self, record: aws)
    launcher, lines, cursor = SageMakerLauncher(), [], ""
    while (page := launcher.logs(record(), cursor)).lines:
        lines, cursor = lines + page.lines, page.cursor
    assert lines == ["one", "two"]


def test_all_streams_of_a_job_are_found_however_many_pages(cloud, tiny, shell, monkeypatch):
    """AWS names 50 at a time; 20 machines that are interrupted twice have more."""
    aws = Aws(region="us-west-2")
    pages = iter(
        [
            {"logStreams": [{"logStreamName": "job/a"}], "nextToken": "more"},
            {"logStreams": [{"logStreamName": "job/b", "lastEventTimestamp": 2000}]},
        ]
    )
    monkeypatch.setattr(Aws, "call", lambda *arguments, **values: next(pages))
    assert sagemaker._streams(aws, record()) == {"job/a": 0, "job/b": 2.0}


def test_a_machine_kept_warm_after_the_job_is_part_of_what_is_billed():
    answer = {
        "TrainingJobStatus": "Completed",
        "BillableTimeInSeconds": 600,
        "WarmPoolStatus": {"Status": "Available", "ResourceRetainedBillableTimeInSeconds": 900},
    }
    assert sagemaker.state_of(answer, datetime.now(UTC)).billable_seconds == 1500
    del answer["WarmPoolStatus"]
    assert sagemaker.state_of(answer, datetime.now(UTC)).billable_seconds == 600
