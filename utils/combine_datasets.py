"""Step 3: clean any number of COCO Camera Traps files and combine them into one."""

from classification.cli import run_step
from classification.data.options import CombineOptions

if __name__ == "__main__":
    run_step(
        CombineOptions,
        "classification.data.clean.step:combine_datasets",
        positional=("output_dir",),
    )
