"""Learning curves of a batch of experiments as one figure.

python classification/extract_results_plots.py -m ResNet34 -fp generalization -c query_strategy
"""

import sys
from pathlib import Path

if not __package__:  # run by path: classification/ must not stay on sys.path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from classification.cli import run_step
from classification.comparison.options import ExtractOptions


def main() -> None:
    """Entry point."""
    run_step(ExtractOptions, "classification.comparison.extract:extract_results_plots")


if __name__ == "__main__":
    main()
