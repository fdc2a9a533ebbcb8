"""File names of jobs: what a launcher keeps of each, a container's folders, and checkpoints."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class JobPaths:
    """``jobs/<name>`` of a run folder: one submitted job."""

    root: Path

    @property
    def record(self) -> Path:
        return self.root / "job.json"

    @property
    def config(self) -> Path:
        """The configuration as submitted, defaults included."""
        return self.root / "config.yml"

    @property
    def request(self) -> Path:
        """What was sent to create it."""
        return self.root / "request.json"

    @property
    def log(self) -> Path:
        return self.root / "log.txt"

    @property
    def lock(self) -> Path:
        """Held by the process of the job as long as it lives."""
        return self.root / ".lock"

    @property
    def process(self) -> Path:
        return self.root / "process.json"

    @property
    def end(self) -> Path:
        """How the job ended; a process that was killed leaves none."""
        return self.root / "end.json"

    @property
    def cost(self) -> Path:
        """What it cost, once it has ended."""
        return self.root / "cost.json"


@dataclass(frozen=True)
class RanksPaths:
    """A folder for as long as several processes play a run: what they are asked, how it ended."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config.yml"

    @property
    def request(self) -> Path:
        return self.root / "request.json"

    @property
    def outcome(self) -> Path:
        return self.root / "outcome.json"

    @property
    def error(self) -> Path:
        return self.root / "error.json"


@dataclass(frozen=True)
class ContainerPaths:
    """The folders of a training container: ``/opt/ml``."""

    root: Path

    @property
    def hyperparameters(self) -> Path:
        return self.root / "input" / "config" / "hyperparameters.json"

    @property
    def resources(self) -> Path:
        """Which machines the job has; written by AWS."""
        return self.root / "input" / "config" / "resourceconfig.json"

    @property
    def checkpoints(self) -> Path:
        """Whatever is written here appears in S3, and is here again when the job is restarted."""
        return self.root / "checkpoints"

    @property
    def model(self) -> Path:
        """Becomes model.tar.gz in S3 when the job ends."""
        return self.root / "model"

    @property
    def failure(self) -> Path:
        """Its first 1024 characters become the job's reason of failure."""
        return self.root / "output" / "failure"

    @property
    def work(self) -> Path:
        """Where the run folder is; not seen from outside."""
        return self.root / "work"

    def channel(self, name: str) -> Path:
        return self.root / "input" / "data" / name


@dataclass(frozen=True)
class CheckpointPaths:
    """Snapshots of a run folder: immutable parts by content, and lists of files made of them."""

    root: Path

    @classmethod
    def relative(cls) -> "CheckpointPaths":
        """Names below the checkpoint folder, wherever that is."""
        return cls(Path())

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def parts(self) -> Path:
        return self.root / "parts"

    def snapshot(self, number: int) -> Path:
        return self.snapshots / f"{number:08d}.json"

    def part(self, digest: str) -> Path:
        return self.parts / digest


@dataclass(frozen=True)
class BucketPaths:
    """Keys below the prefix that all runs share; `prefix` as in ``s3://bucket/prefix``."""

    prefix: str

    def code(self, digest: str) -> str:
        return self._under("code", digest)

    def crops(self, dataset: str) -> str:
        return self._under("data", dataset, "crops")

    def crop_index(self, dataset: str) -> str:
        """Which crops are there, with their hashes."""
        return self._under("data", dataset, "crops.index.json.gz")

    def tables(self, dataset: str, digest: str) -> str:
        return self._under("data", dataset, "tables", digest)

    def weights(self, digest: str) -> str:
        return self._under("weights", digest)

    def labels(self, run: str, digest: str) -> str:
        return self._under("runs", run, "labels", digest)

    def checkpoints(self, run: str, generation: str) -> str:
        """By themselves: a bucket's lifecycle rules (infra/) go by the start of a key."""
        return self._under("checkpoints", run, generation)

    def output(self, run: str) -> str:
        return self._under("runs", run, "output")

    def _under(self, *parts: str) -> str:
        return str(PurePosixPath(self.prefix, *parts))
