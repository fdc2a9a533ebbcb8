"""Active-learning rounds: train, evaluate on unseen cameras, choose queries, get labels, repeat.

python classification/train.py --config runs/<model>/<experiment>/config.yml [--no-resume]
[--backend sagemaker --dry-run] [--detach] [--query.size 50 ...]

Outputs land beside the config. Stopped at any point and started again, the run goes on. When it
needs labels from people it says so and ends; called again, it goes on with their answers.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

if not __package__:  # run by path: classification/ must not stay on sys.path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from classification.cli import run
from classification.errors import FieldmarkError
from classification.settings import Override, load_config, parse_run


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of train.py beside the fields of the configuration."""

    config: Path
    """runs/<model>/<experiment>/config.yml; outputs land beside it."""
    resume: bool = True
    """Go on with what is there; --no-resume sets it aside in previous/ and starts afresh."""
    backend: Literal["local", "sagemaker"] | None = None
    """Where to run, instead of launch.backend."""
    detach: bool = False
    """Return as soon as the job is on its way; look at it with classification/jobs.py."""
    follow: bool = False
    """Run in the background or on AWS and show the log; Ctrl-C leaves the job running. On AWS this
    is the default."""
    dry_run: bool = False
    """Print the request to AWS as JSON, and the price on standard error; send nothing."""
    spot: bool = False
    """Use spare capacity: launch.sagemaker.spot."""
    nproc: int | None = None
    """Processes that share the work on each machine, 0 for one per GPU: launch.processes."""
    max_hours: float | None = None
    """Instead of launch.sagemaker.max_hours."""
    tag: tuple[str, ...] = ()
    """Tags of the job, k=v k=v ..., beside those of launch.sagemaker.tags; may be repeated."""
    yes: bool = False
    """Submit without asking."""


def train(options: TrainOptions, overrides: list[Override]) -> None:
    """Load the configuration and hand the job to the launcher it names."""
    from classification.launch import Job, Start
    from classification.launch.start import start
    from classification.query.names import ALL_NAMES

    if options.detach and options.follow:
        raise FieldmarkError("give --detach or --follow, not both")
    given = [*overrides, *_launch_fields(options)]
    config = load_config(options.config, given, strategies=ALL_NAMES)
    if options.tag:
        tags = json.dumps([*config.launch.sagemaker.tags, *options.tag])
        given.append(Override(key="launch.sagemaker.tags", text=tags))
        config = load_config(options.config, given, strategies=ALL_NAMES)
    background = options.detach or options.follow
    job = Job(config=config, run=options.config.parent, resume=options.resume, detach=background)
    how = Start(follow=not options.detach, dry_run=options.dry_run, yes=options.yes)
    sys.exit(start(job, how))


def _launch_fields(options: TrainOptions) -> list[Override]:
    """Options that are short for a field of the configuration."""
    fields = {
        "launch.backend": options.backend,
        "launch.sagemaker.spot": "true" if options.spot else None,
        "launch.sagemaker.max_hours": options.max_hours,
        "launch.processes": options.nproc,
    }
    return [
        Override(key=key, text=str(value)) for key, value in fields.items() if value is not None
    ]


def main() -> None:
    """Entry point."""
    options, overrides = parse_run(TrainOptions, __doc__ or "")
    run(lambda: train(options, overrides))


if __name__ == "__main__":
    main()
