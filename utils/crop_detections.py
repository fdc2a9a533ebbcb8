"""Step 4: cut every annotated box out of its image, once, with a reason for each that fails."""

from classification.cli import run_step
from classification.data.options import CropOptions

if __name__ == "__main__":
    run_step(
        CropOptions,
        "classification.data.crops:crop_detections",
        positional=("cct", "output_dir"),
    )
