"""Top mean accuracy, top-1 accuracy and variance of the trainings that run_validation repeated."""

from classification.cli import run_step
from classification.comparison.options import ComparisonRunOptions

if __name__ == "__main__":
    run_step(ComparisonRunOptions, "classification.comparison.tables:print_validation_stats")
