"""The jobs of run folders: their names, and the records by which they are found again."""

import re
import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from classification.config import RunConfig
from classification.errors import FieldmarkError
from classification.files import read_json, write_json
from classification.launch import JobRecord
from classification.paths import RunPaths
from classification.query.names import ALL_NAMES
from classification.settings import load_config, write_config

_LONGEST = 63  # characters of a SageMaker job name
_STAMP = "%Y%m%d-%H%M%S"
_SHOWN = 10


def new_name(run: Path) -> str:
    """``<model>-<experiment>-<time>-<random>``, at most 63 letters, digits and hyphens.

    The random part keeps two jobs of one second apart.
    """
    ending = f"{datetime.now(UTC).strftime(_STAMP)}-{secrets.token_hex(3)}"
    stem = re.sub(r"[^a-zA-Z0-9]+", "-", RunPaths(run).model_name).strip("-")
    return f"{stem[: _LONGEST - len(ending) - 1].strip('-') or 'run'}-{ending}"


def save_record(record: JobRecord, config: RunConfig) -> None:
    """Keep a job: its configuration first, so that a record is never without one."""
    paths = RunPaths(record.run).job(record.name)
    write_config(paths.config, config)
    values = asdict(record)
    del values["run"]  # a run folder may be moved
    write_json(paths.record, values)


def read_record(path: Path) -> JobRecord:
    """The record in a ``job.json``.

    Raises:
        FieldmarkError: it is missing or damaged.
    """
    values = read_json(path, what="job record")
    try:
        return JobRecord(**values, run=path.parents[2])
    except TypeError as error:
        raise FieldmarkError(f"job record {path} is damaged: {error}") from None


def config_of(record: JobRecord) -> RunConfig:
    """The configuration a job was submitted with."""
    path = RunPaths(record.run).job(record.name).config
    return load_config(path, strategies=ALL_NAMES)


def now() -> str:
    """The time as records hold it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def jobs_of(run: Path) -> list[JobRecord]:
    """Jobs of one run folder, oldest first."""
    found = map(read_record, RunPaths(run).jobs.glob("*/job.json"))
    return sorted(found, key=lambda record: (record.created, record.name))


def all_jobs(runs: Path) -> list[JobRecord]:
    """Jobs of every run below a folder, oldest first."""
    found = map(read_record, runs.glob("*/*/jobs/*/job.json"))
    return sorted(found, key=lambda record: (record.created, record.name))


def find_job(job: str, runs: Path) -> JobRecord:
    """A job by its name, by the unique start of its name, or the newest of a run folder.

    Raises:
        FieldmarkError: there is none or more than one; what there is.
    """
    if Path(job).is_dir():
        found = jobs_of(Path(job))[-1:]
    else:
        found = [record for record in all_jobs(runs) if record.name.startswith(job)]
        found = [record for record in found if record.name == job] or found
    if len(found) == 1:
        return found[0]
    names = [record.name for record in found or all_jobs(runs)][-_SHOWN:]
    raise FieldmarkError(
        f"{'no job is' if not found else f'{len(found)} jobs are'} called {job!r}. Give the name "
        f"of a job, or its run folder for the newest one. Jobs below {runs}: "
        f"{', '.join(names) or 'none'}"
    )
