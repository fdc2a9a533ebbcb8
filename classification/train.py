"""Active-learning rounds: train, evaluate on unseen cameras, choose queries, get labels, repeat.

python classification/train.py --config runs/<model>/<experiment>/config.yml [--no-resume]
[--query.size 50 ...]

Outputs land beside the config. Stopped at any point and started again, the run goes on. When it
needs labels from people it says so and ends; called again, it goes on with their answers.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

if not __package__:  # run by path: classification/ must not stay on sys.path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from classification.cli import run
from classification.settings import Override, load_config, parse_run


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of train.py beside the fields of the configuration."""

    config: Path
    """runs/<model>/<experiment>/config.yml; outputs land beside it."""
    resume: bool = True
    """Go on with what is there; --no-resume sets it aside in previous/ and starts afresh."""


def train(options: TrainOptions, overrides: list[Override]) -> None:
    """Load the configuration and hand the job to the launcher it names."""
    from classification.query.names import STRATEGY_NAMES

    config = load_config(options.config, overrides, strategies=STRATEGY_NAMES)
    from classification.launch import Job, launcher

    job = Job(config=config, run=options.config.parent, resume=options.resume)
    launcher(config.launch.backend).submit(job)


def main() -> None:
    """Entry point."""
    options, overrides = parse_run(TrainOptions, __doc__ or "")
    run(lambda: train(options, overrides))


if __name__ == "__main__":
    main()
