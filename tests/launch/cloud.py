"""A cloud on the loopback: moto's S3, IAM, STS and logs, and training jobs that really run.

moto calls every training job completed at once; here `CreateTrainingJob` starts a
`machine.TrainingJob`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.sagemaker.responses import SageMakerResponse
from moto.server import ThreadedMotoServer

from tests.launch.machine import ACCOUNT, REGION, TrainingJob, arn

BUCKET = "camera-traps"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/train"


class RefusedError(JsonRESTError):
    """An error as AWS answers it."""

    code = 400

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)


class Cloud:
    """The server, its jobs, and the errors that it is to answer next."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.jobs = folder, dict[str, TrainingJob]()
        self.faults: dict[str, list[str]] = {}
        self.requests: list[tuple[str, str]] = []
        self._server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        keys = {"aws_access_key_id": "server", "aws_secret_access_key": "server"}
        self.clients = {
            name: boto3.client(name, region_name=REGION, endpoint_url=self.url, **keys)
            for name in ("s3", "logs", "iam", "sts")
        }
        self.clients["s3"].create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )

    def fault(self, operation: str) -> None:
        """Answer with the next error that was ordered for an operation, if any."""
        waiting = self.faults.get(operation, [])
        if waiting:
            kind = waiting.pop(0)
            raise RefusedError(kind, f"{kind} by order of the test")

    def create(self, request: dict[str, Any]) -> dict[str, str]:
        self.fault("create")
        name = request["TrainingJobName"]
        if name in self.jobs:
            raise RefusedError("ResourceInUse", f"Training job names must be unique: {arn(name)}")
        if request["RoleArn"].endswith("/denied"):
            role = request["RoleArn"]
            raise RefusedError("AccessDeniedException", f"not authorized to pass {role}")
        waiting = request["StoppingCondition"].get("MaxWaitTimeInSeconds")
        if request.get("EnableManagedSpotTraining") and not waiting:
            raise RefusedError("ValidationException", "MaxWaitTimeInSeconds is required for spot")
        self.jobs[name] = TrainingJob(request, self.folder / name, self.clients)
        return {"TrainingJobArn": arn(name)}

    def find(self, name: str) -> TrainingJob:
        if name not in self.jobs:
            raise RefusedError("ValidationException", "Requested resource not found.")
        return self.jobs[name]

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.clients["s3"].get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for page in found for item in page.get("Contents", [])]

    def stop(self) -> None:
        for job in self.jobs.values():
            job.ask("stop")
            job.thread.join(20)
            job.kill()
            job.thread.join(60)
        self._empty()
        self._server.stop()
        for client in self.clients.values():
            client.close()

    def _empty(self) -> None:
        """moto keeps its state in the process; its own reset imports every service there is."""
        for key in self.keys():
            self.clients["s3"].delete_object(Bucket=BUCKET, Key=key)
        self.clients["s3"].delete_bucket(Bucket=BUCKET)
        for group in self.clients["logs"].describe_log_groups()["logGroups"]:
            self.clients["logs"].delete_log_group(logGroupName=group["logGroupName"])


@contextmanager
def a_cloud(folder: Path) -> Iterator[Cloud]:
    """Run the server, with moto's answers about training jobs replaced by ours."""
    cloud = Cloud(folder)

    def create_training_job(response: SageMakerResponse) -> ActionResult:
        return ActionResult(cloud.create(json.loads(response.body)))

    def describe_training_job(response: SageMakerResponse) -> ActionResult:
        cloud.fault("describe")
        return ActionResult(cloud.find(json.loads(response.body)["TrainingJobName"]).describe())

    def stop_training_job(response: SageMakerResponse) -> ActionResult:
        cloud.find(json.loads(response.body)["TrainingJobName"]).ask("stop")
        return ActionResult({})

    ours = (create_training_job, describe_training_job, stop_training_job)
    before = {f.__name__: SageMakerResponse.__dict__.get(f.__name__) for f in ours}
    for function in ours:
        setattr(SageMakerResponse, function.__name__, function)
    try:
        yield cloud
    finally:
        cloud.stop()
        for name, function in before.items():
            if function is None:
                delattr(SageMakerResponse, name)
            else:
                setattr(SageMakerResponse, name, function)
