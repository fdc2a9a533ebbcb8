"""Active learning on image folders: a folder per class, unlabelled images, labels by Timelapse."""

import logging

from classification.cli import run_step
from classification.config_active_learning import ActiveLearningOptions

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    run_step(
        ActiveLearningOptions,
        "classification.active_learning:run",
        positional=("train_data", "unlabelled_data"),
    )
