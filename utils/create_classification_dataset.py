"""Step 5: the classification table, its label index, location splits and a CCT per split."""

from classification.cli import run_step
from classification.data.options import ClassificationDatasetOptions

if __name__ == "__main__":
    run_step(
        ClassificationDatasetOptions,
        "classification.data.create_dataset:create_classification_dataset",
        positional=("output_dir",),
    )
