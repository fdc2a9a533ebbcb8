"""Step 1: download the images of a COCO Camera Traps JSON from S3 or the web, verified."""

from classification.cli import run_step
from classification.data.download.options import DownloadOptions

if __name__ == "__main__":
    run_step(DownloadOptions, "classification.data.download.step:download_images")
