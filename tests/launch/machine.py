"""A machine of the loopback cloud: a training job that really runs.

The container's command runs as a local process, as on SageMaker: channels from S3, checkpoints
from and to S3 while it runs, its output into CloudWatch Logs, its model to S3; it can be stopped,
run out of time, fail with the reason it wrote, or lose its spare machine and start again on
another. The mount point ``/opt/ml`` is a folder that the command is told in ``FIELDMARK_ML``.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psutil

REGION, ACCOUNT = "us-west-2", "123456789012"
GROUP = "/aws/sagemaker/TrainingJobs"
HOSTS = ["127.0.0.1", "localhost"]  # names of machines; both are this one
ALL = "FullyReplicated"
_TICK = 0.05


def split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


class TrainingJob:
    """One job and the machine that it runs on."""

    def __init__(self, request: dict[str, Any], folder: Path, clients: dict[str, Any]) -> None:
        self.request, self.folder, self.clients = request, folder, clients
        self.status, self.phase, self.reason = "InProgress", "Starting", ""
        self.created = datetime.now(UTC)
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.attempts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._asked = ""  # "stop", "interrupt" or "vanish"
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def ml(self) -> Path:
        return self.folder / f"machine-{self.attempts}" / "ml"

    def describe(self) -> dict[str, Any]:
        wanted = ("HyperParameters", "RoleArn", "ResourceConfig", "StoppingCondition")
        times = {"TrainingStartTime": self.started, "TrainingEndTime": self.ended}
        return {
            "TrainingJobName": self.request["TrainingJobName"],
            "TrainingJobArn": arn(self.request["TrainingJobName"]),
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.phase,
            "SecondaryStatusTransitions": [
                {"Status": self.phase, "StartTime": self.created, "StatusMessage": self.phase}
            ],
            "CreationTime": self.created,
            **({"FailureReason": self.reason} if self.reason else {}),
            **({"BillableTimeInSeconds": 90, "TrainingTimeInSeconds": 120} if self.ended else {}),
            **{key: value for key, value in times.items() if value},
            **{key: self.request[key] for key in wanted if key in self.request},
        }

    def ask(self, what: str) -> None:
        """Stop the job, interrupt it with notice, or take its machine away without."""
        self._asked = what

    def _run(self) -> None:
        try:
            while not self._attempt():
                self.phase = "Interrupted"
        except Exception as error:
            self.reason = f"InternalServerError: {error!r}"
            self.phase = self.status = "Failed"
        self.ended = datetime.now(UTC)

    def _attempt(self) -> bool:
        """Run on one machine; whether the job has ended."""
        self.attempts += 1
        self.phase = "Downloading"
        self._fill()
        self.phase, self.started = "Training", self.started or datetime.now(UTC)
        code, cause = self._execute()
        if cause != "vanish":
            self._sync()
        if cause in ("interrupt", "vanish"):
            shutil.rmtree(self.ml)
            self._asked = ""
            return False
        if cause == "timeout":
            self.status, self.phase = "Stopped", "MaxRuntimeExceeded"
        elif cause == "stop":
            self.status, self.phase = "Stopped", "Stopped"
        elif code == 0:
            self.phase = "Uploading"
            self._upload_model()
            self.status = self.phase = "Completed"
        else:
            said = self.ml / "output" / "failure"
            text = said.read_text()[:1024] if said.exists() else f"ExitCode {code}"
            self.reason = f"AlgorithmError: {text}"
            self.status = self.phase = "Failed"
        return True

    @property
    def count(self) -> int:
        return self.request["ResourceConfig"].get("InstanceCount", 1)

    def host(self, number: int) -> Path:
        """``/opt/ml`` of one of the job's machines."""
        return self.ml if number == 0 else self.ml.with_name(f"ml-{number}")

    def _fill(self) -> None:
        hosts = HOSTS[: self.count]
        for number, host in enumerate(hosts):
            ml = self.host(number)
            for channel in self.request["InputDataConfig"]:
                source = channel["DataSource"]["S3DataSource"]
                share = (number, self.count) if source["S3DataDistributionType"] != ALL else (0, 1)
                folder = ml / "input" / "data" / channel["ChannelName"]
                self._download(source["S3Uri"], folder, share)
            self._download(self.request["CheckpointConfig"]["S3Uri"] + "/", ml / "checkpoints")
            config = ml / "input" / "config"
            config.mkdir(parents=True)
            write_json(config / "hyperparameters.json", self.request["HyperParameters"])
            write_json(config / "resourceconfig.json", {"current_host": host, "hosts": hosts})
            for name in ("model", "output"):
                (ml / name).mkdir()

    def _execute(self) -> tuple[int, str]:
        port = free_port()
        self.process, *others = [self._start(self.host(n), port) for n in range(self.count)]
        logs = threading.Thread(target=self._stream, daemon=True)
        logs.start()
        limit = time.monotonic() + self.request["StoppingCondition"]["MaxRuntimeInSeconds"]
        cause, last = "", 0.0
        while self.process.poll() is None:
            if not cause and (self._asked or time.monotonic() > limit):
                cause = self._asked or "timeout"
                if cause == "vanish":
                    self.kill()
                else:  # the first process alone gets the signal, as in a container
                    self.process.send_signal(signal.SIGTERM)
            if time.monotonic() - last > 0.5:
                self._sync()
                last = time.monotonic()
            time.sleep(_TICK)
        logs.join(60)
        for other in others:
            other.wait(60)
        return self.process.returncode, cause

    def _start(self, ml: Path, port: int) -> "subprocess.Popen[bytes]":
        """The container of one machine; the log of the first alone is looked at."""
        container = self.request["AlgorithmSpecification"]
        first = ml == self.ml
        return subprocess.Popen(
            [*container["ContainerEntrypoint"], *container["ContainerArguments"]],
            cwd=ml,
            stdout=subprocess.PIPE if first else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if first else None,
            start_new_session=True,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(ml),
                "OMP_NUM_THREADS": "1",
                "FIELDMARK_ML": str(ml),
                "MASTER_PORT": str(port),
                **self.request.get("Environment", {}),
            },
        )

    def kill(self) -> None:
        """Take the machine away. torchrun's workers are in sessions of their own."""
        if self.process and self.process.poll() is None:
            top = psutil.Process(self.process.pid)
            for process in [*top.children(recursive=True), top]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    def _stream(self) -> None:
        assert self.process
        assert self.process.stdout
        name = f"{self.request['TrainingJobName']}/algo-1-{self.attempts}"
        client, begun = self.clients["logs"], False
        for line in self._lines(self.process.stdout):
            if not begun:
                groups = client.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
                if not groups:
                    client.create_log_group(logGroupName=GROUP)
                client.create_log_stream(logGroupName=GROUP, logStreamName=name)
                begun = True
            text = line.decode(errors="replace").rstrip("\n") or " "
            event = {"timestamp": int(time.time() * 1000), "message": text}
            client.put_log_events(logGroupName=GROUP, logStreamName=name, logEvents=[event])

    @staticmethod
    def _lines(stream: IO[bytes]) -> Iterator[bytes]:
        with stream:
            yield from stream

    def _sync(self) -> None:
        """Copy new checkpoint files to S3, in no order that anybody may rely on, and delete there
        what was deleted here, as AWS documents it."""
        bucket, prefix = split(self.request["CheckpointConfig"]["S3Uri"])
        sent = self.__dict__.setdefault("sent", set())
        for path in sorted((self.ml / "checkpoints").rglob("*"), reverse=True):
            name = path.relative_to(self.ml / "checkpoints").as_posix()
            if path.is_file() and not name.endswith(".tmp") and name not in sent:
                try:
                    data = path.read_bytes()
                except FileNotFoundError:
                    continue
                self.clients["s3"].put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=data)
                sent.add(name)
        for name in [name for name in sent if not (self.ml / "checkpoints" / name).exists()]:
            self.clients["s3"].delete_object(Bucket=bucket, Key=f"{prefix}/{name}")
            sent.remove(name)

    def _download(self, uri: str, folder: Path, share: tuple[int, int] = (0, 1)) -> None:
        """All objects below `uri`, or those of one machine of several."""
        bucket, prefix = split(uri)
        folder.mkdir(parents=True, exist_ok=True)
        pages = self.clients["s3"].get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", [])[share[0] :: share[1]]:
                path = folder / item["Key"].removeprefix(prefix)
                path.parent.mkdir(parents=True, exist_ok=True)
                self.clients["s3"].download_file(bucket, item["Key"], str(path))

    def _upload_model(self) -> None:
        packed = self.folder / "model.tar.gz"
        with tarfile.open(packed, "w:gz") as tar:
            tar.add(self.ml / "model", arcname=".")
        bucket, prefix = split(self.request["OutputDataConfig"]["S3OutputPath"])
        key = f"{prefix}/{self.request['TrainingJobName']}/output/model.tar.gz"
        self.clients["s3"].upload_file(str(packed), bucket, key)


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


def arn(name: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name}"
