"""Rounds of a job on AWS coming here, and labels going there.

With people labelling, a job ends when it needs labels. `pull` brings its rounds and queries; the
label app or Timelapse answers them here; `push` sends the answers; resuming starts the next round.
"""

from filelock import FileLock, Timeout

from classification.config import RunConfig
from classification.errors import FieldmarkError
from classification.labelling.store import LabelStore
from classification.launch import JobRecord
from classification.launch.aws import split_uri
from classification.launch.channels import label_channel
from classification.launch.ledgers import merge_ledger
from classification.launch.restore import restore
from classification.launch.sagemaker import connection
from classification.launch.seed import Remote
from classification.launch.upload import Sender
from classification.paths import BucketPaths, ExportPaths, RunPaths
from classification.round_labels import read_query
from classification.tracking import make_tracker


def pull(record: JobRecord, config: RunConfig) -> list[str]:
    """Bring the run folder to the job's newest checkpoint; labels given here are kept.

    Raises:
        FieldmarkError: there is no checkpoint yet, or a process here works in the folder.
        UnreachableError: S3 does not answer now.
    """
    run, source = (
        RunPaths(record.run),
        Remote(aws=connection(record), uri=record.details["checkpoints"]),
    )
    store = LabelStore(config.labels.store or run.labels)
    try:
        with FileLock(run.lock, timeout=0):
            number = restore(source, run, merge=lambda ledger: merge_ledger(store, ledger))
    except Timeout:
        raise FieldmarkError(
            f"a process on this machine works in {run.root}; wait for it or stop it"
        ) from None
    if number is None:
        raise FieldmarkError(f"{record.name} has no checkpoint yet; try again later")
    tracker = make_tracker(config.tracking, run)
    tracker.sync()
    export = ExportPaths(run.export)
    if export.card.exists():
        tracker.register(export)
    done = run.complete_rounds()
    return [f"pulled checkpoint {number}: {len(done)} rounds", *_next_step(record, run, config)]


def push(record: JobRecord, config: RunConfig) -> list[str]:
    """Send the labels of the run, as resuming it would.

    Raises:
        FieldmarkError: there are none, or S3 refuses them.
        UnreachableError: S3 does not answer now.
    """
    settings, run = config.launch.sagemaker, RunPaths(record.run)
    bucket, prefix = split_uri(settings.s3)
    channel = label_channel(config, run, BucketPaths(prefix))
    if channel is None:
        raise FieldmarkError(f"there are no labels in {run.labels}; answer the queries first")
    sent = Sender(connection(record), bucket, kms_key=settings.kms_key).send(channel)
    return [
        f"{sent / 1e6:.1f} MB of labels sent to s3://{bucket}/{channel.prefix}",
        f"start the next round with: python classification/jobs.py resume {record.name}",
    ]


def _next_step(record: JobRecord, run: RunPaths, config: RunConfig) -> list[str]:
    """What a person may do now."""
    done = run.complete_rounds()
    if not done or config.labels.source == "oracle":
        return []
    waiting = LabelStore(config.labels.store or run.labels).undecided(
        read_query(run.round(done[-1]))
    )
    if not waiting:
        return [f"no label is missing: python classification/jobs.py resume {record.name}"]
    return [
        f"{len(waiting)} items of {run.round(done[-1]).query} wait for labels. Then: python "
        f"classification/jobs.py push {record.name}, and resume {record.name}"
    ]
