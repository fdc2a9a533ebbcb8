"""Best accuracy of each strategy and best recall of each class, round by round."""

from classification.cli import run_step
from classification.comparison.options import ComparisonRunOptions

if __name__ == "__main__":
    run_step(ComparisonRunOptions, "classification.comparison.tables:print_results")
