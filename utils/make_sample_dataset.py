"""Draw a COCO Camera Traps dataset for demos and tests."""

from classification.cli import run_step
from classification.data.sample.options import SampleOptions

if __name__ == "__main__":
    run_step(
        SampleOptions,
        "classification.data.sample.dataset:make_sample_dataset",
        positional=("output_dir",),
    )
