"""One experiment with a network that is trained end to end, or a batch of them.

python classification/experiment.py -m ResNet34 -d EMNIST -qs margin_sampling -en emnist_margin
python classification/experiment.py --batch runs/batches/query_strategies.yml [-e 20 ...]

Results are in runs/experiments/<name>/; the same command goes on where it was stopped. Options
beside a batch hold for all of its experiments.
"""

import sys
from dataclasses import fields
from pathlib import Path

if not __package__:  # run by path: classification/ must not stay on sys.path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from classification.cli import options_parser, run
from classification.config_experiment import ExperimentOptions


def parse(words: list[str]) -> list[ExperimentOptions]:
    """The experiments that the command line asks for."""
    parser = options_parser(ExperimentOptions, description=__doc__)
    parser.add_argument("--batch", type=Path, help="YAML of many experiments: common and vary.")
    batch = parser.parse_args(words).batch
    if batch is None:
        return [_one(parser.parse_args(words))]
    from classification.comparison.experiments import read_batch

    found = []
    for chosen in read_batch(batch):
        parser.set_defaults(chosen)
        found.append(_one(parser.parse_args(words)))
    return found


def _one(parsed: object) -> ExperimentOptions:
    return ExperimentOptions(**{f.name: getattr(parsed, f.name) for f in fields(ExperimentOptions)})


def _run(words: list[str]) -> None:
    experiments = parse(words)
    from classification.comparison.experiments import run_experiments

    run_experiments(experiments)


def main() -> None:
    """Entry point."""
    run(lambda: _run(sys.argv[1:]))


if __name__ == "__main__":
    main()
