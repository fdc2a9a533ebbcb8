"""SageMaker training jobs, on the plain client.

The SDK's own trainer uploads on a dry run, returns as if all were well from a job that ran out of
time, and starts containers in which SIGTERM never reaches Python.
"""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from classification.errors import FieldmarkError
from classification.files import write_json
from classification.launch import Job, JobRecord, JobState, LogPage, Status, UnreachableError
from classification.launch.aws import Aws, RefusedError, split_uri
from classification.launch.plan import Plan, plan
from classification.launch.records import now, save_record
from classification.launch.seed import seed
from classification.launch.upload import Sender
from classification.paths import CheckpointPaths, RunPaths

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_ENDS: dict[str, Status] = {
    "Completed": "completed",
    "Failed": "failed",
    "Stopped": "stopped",
    "MaxRuntimeExceeded": "timed out",
    "MaxWaitTimeExceeded": "interrupted",
    "Interrupted": "interrupted",
}
_WAITING = ("Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack", "Interrupted")
_REASONS = {
    "timed out": "max_hours were over; raise --max-hours and resume",
    "interrupted": "AWS took the spare machine back and had no other in time",
}


class SageMakerLauncher:
    """Runs jobs as SageMaker training jobs."""

    def __init__(self) -> None:
        self._connections: dict[tuple[str, str], Aws] = {}

    def plan(self, job: Job) -> Plan:
        """Request, data and price; asks no network."""
        return plan(job)

    def submit(self, job: Job, planned: Plan | None = None) -> JobRecord:
        """Send what the job needs and create it."""
        planned = planned or plan(job)
        settings = job.config.launch.sagemaker
        aws = self._connect(planned.region, settings.profile)
        record = JobRecord(
            name=planned.name,
            backend="sagemaker",
            run=job.run,
            created=now(),
            details={
                "region": planned.region,
                "profile": settings.profile,
                "checkpoints": planned.checkpoints,
            },
        )
        try:
            _require_region(aws, planned)
            sender = Sender(aws, planned.bucket, kms_key=settings.kms_key)
            for channel in planned.channels:
                sent = sender.send(channel)
                print(f"{channel.name}: {sent / 1e6:.1f} of {channel.size / 1e6:.1f} MB sent")
            seed(aws, sender, RunPaths(job.run), planned.checkpoints)
            self._create(aws, record, job, planned)
        except UnreachableError as error:
            raise FieldmarkError(f"AWS cannot be reached: {error}. Submit again.") from None
        return record

    @staticmethod
    def _create(aws: Aws, record: JobRecord, job: Job, planned: Plan) -> None:
        """The record comes before the job: one without a record would cost unseen."""
        paths = RunPaths(job.run).job(record.name)
        save_record(record, job.config)
        write_json(paths.request, planned.request)
        try:
            aws.call("sagemaker", "create_training_job", **planned.request)
        except FieldmarkError as error:  # refused: there is no job; unreachable leaves that open
            if isinstance(error, RefusedError) and error.code == "ResourceInUse":
                return  # the name is ours alone: the answer to a first call got lost on its way
            shutil.rmtree(paths.root)
            raise

    def status(self, record: JobRecord) -> JobState:
        """How the job is, with the age of its last log line and checkpoint while it runs."""
        aws = self._aws(record)
        answer = aws.call("sagemaker", "describe_training_job", TrainingJobName=record.name)
        at = datetime.now(UTC)
        state = state_of(answer, at)
        if state.ended:
            return state
        return JobState(
            **{
                **vars(state),
                "log_age": _log_age(aws, record, at),
                "checkpoint_age": _checkpoint_age(aws, record, at),
            }
        )

    def logs(self, record: JobRecord, cursor: str = "") -> LogPage:
        """The next lines of every machine and every attempt of the job."""
        aws, read_on = self._aws(record), json.loads(cursor or "{}")
        lines: list[str] = []
        for stream in sorted(_streams(aws, record)):
            found, read_on[stream] = _read(aws, stream, read_on.get(stream, ""))
            lines += found
        return LogPage(lines=lines, cursor=json.dumps(read_on))

    def stop(self, record: JobRecord) -> None:
        """Ask the job to end; it has two minutes to save."""
        if not self.status(record).ended:
            self._aws(record).call("sagemaker", "stop_training_job", TrainingJobName=record.name)

    def _aws(self, record: JobRecord) -> Aws:
        return self._connect(record.details["region"], record.details["profile"])

    def _connect(self, region: str, profile: str) -> Aws:
        return self._connections.setdefault((region, profile), Aws(region=region, profile=profile))


def connection(record: JobRecord) -> Aws:
    """Clients for the account and region of a job."""
    return Aws(region=record.details["region"], profile=record.details["profile"])


def state_of(answer: Mapping[str, Any], at: datetime) -> JobState:
    """The answer of ``DescribeTrainingJob`` in our words."""
    overall, phase = answer["TrainingJobStatus"], answer.get("SecondaryStatus", "")
    status: Status
    if overall in ("Completed", "Failed", "Stopped"):
        # AWS calls a job that ran out of time stopped; who waits for it must see the difference
        status = _ENDS[overall] if overall != "Stopped" else _ENDS.get(phase, "stopped")
    else:
        status = "queued" if phase in _WAITING else "running"
    started, ended = answer.get("TrainingStartTime"), answer.get("TrainingEndTime")
    seconds = answer.get("TrainingTimeInSeconds")
    if seconds is None:
        seconds = ((ended or at) - started).total_seconds() if started else 0
    machines = answer.get("ResourceConfig", {})
    return JobState(
        status=status,
        reason=answer.get("FailureReason") or _REASONS.get(status, ""),
        phase="" if status in _ENDS.values() else _phase(answer),
        seconds=max(0.0, float(seconds)),
        billable_seconds=_billed(answer),
        machine=machines.get("SelectedInstanceType") or machines.get("InstanceType", ""),
    )


def _billed(answer: Mapping[str, Any]) -> float | None:
    """Of the job, and of the machine that was kept warm after it."""
    billed = answer.get("BillableTimeInSeconds")
    warm = answer.get("WarmPoolStatus", {}).get("ResourceRetainedBillableTimeInSeconds", 0)
    return None if billed is None else billed + warm


def _phase(answer: Mapping[str, Any]) -> str:
    steps = answer.get("SecondaryStatusTransitions") or [{}]
    message = steps[-1].get("StatusMessage", "")
    return f"{answer.get('SecondaryStatus', '')}: {message}".strip(": ")


def _streams(aws: Aws, record: JobRecord) -> dict[str, float]:
    """Log streams of the job, with the time of their last line in seconds."""
    streams = aws.pages(
        "logs", "describe_log_streams", "logStreams",
        logGroupName=LOG_GROUP, logStreamNamePrefix=f"{record.name}/",
    )  # fmt: skip
    try:
        return {
            stream["logStreamName"]: stream.get("lastEventTimestamp", 0) / 1000
            for stream in streams
        }
    except RefusedError as error:
        if error.code == "ResourceNotFoundException":  # the first line makes the group
            return {}
        raise


def _read(aws: Aws, stream: str, token: str) -> tuple[list[str], str]:
    """The next lines of a stream and where to read on.

    A page without lines is no end yet: that is where AWS names the same place again.
    """
    while True:
        where = {"nextToken": token} if token else {}
        page = aws.call(
            "logs", "get_log_events", logGroupName=LOG_GROUP, logStreamName=stream,
            startFromHead=True, **where,
        )  # fmt: skip
        before, token = token, page["nextForwardToken"]
        if page["events"] or token == before:
            return [event["message"] for event in page["events"]], token


def _require_region(aws: Aws, planned: Plan) -> None:
    """Refuse a bucket in another region, which AWS would do after all data had been sent there."""
    try:
        answer = aws.call("s3", "get_bucket_location", Bucket=planned.bucket)
    except RefusedError as error:
        if error.code == "AccessDenied":  # a policy other than that of infra/
            return
        raise
    where = answer.get("LocationConstraint") or "us-east-1"
    there = {"EU": "eu-west-1"}.get(where, where)
    if there != planned.region:
        raise FieldmarkError(
            f"the bucket {planned.bucket} is in {there} and the job would run in {planned.region}; "
            f"AWS wants both in one region: set launch.sagemaker.region to {there}, or make a "
            f"bucket in {planned.region} (infra/)"
        )


def _log_age(aws: Aws, record: JobRecord, at: datetime) -> float | None:
    last = max(_streams(aws, record).values(), default=0.0)
    return max(0.0, at.timestamp() - last) if last else None


def _checkpoint_age(aws: Aws, record: JobRecord, at: datetime) -> float | None:
    bucket, key = split_uri(record.details["checkpoints"])
    prefix = f"{key}/{CheckpointPaths.relative().snapshots.as_posix()}/"
    found = aws.pages("s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix)
    times = [item["LastModified"] for item in found]
    return max(0.0, (at - max(times)).total_seconds()) if times else None
