"""Bring a processed dataset from the bucket of jobs on AWS to this machine: tables and crops."""

from classification.cli import run_step
from classification.launch.fetch_dataset import FetchOptions

if __name__ == "__main__":
    run_step(FetchOptions, "classification.launch.fetch_dataset:fetch_dataset")
