"""Step 2: list the datasets of lila.science, fetch their metadata, or select images by species."""

from classification.cli import run_step
from classification.data.lila.options import LilaOptions

if __name__ == "__main__":
    run_step(LilaOptions, "classification.data.lila.step:download_lila", positional=("command",))
