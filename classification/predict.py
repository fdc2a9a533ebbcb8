"""Predictions of a trained model for a split of its dataset, or for any folder of images.

python classification/predict.py --config runs/<model>/<experiment>/config.yml --split test
python classification/predict.py --config runs/<model>/<experiment>/config.yml --images FOLDER
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

if not __package__:  # run by path: classification/ must not stay on sys.path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from classification.cli import run
from classification.settings import Override, parse_run


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """Options of predict.py beside the fields of the configuration."""

    config: Path
    """runs/<model>/<experiment>/config.yml of the run whose model is used."""
    checkpoint: Path | None = None
    """Folder with a model: rounds/NN or export of a run; default: the newest complete round."""
    split: Literal["val", "test", "train"] | None = None
    """Predict the crops of this split, and score them where labels are known."""
    images: Path | None = None
    """Predict every image in this folder and below; crop animals first, as in training."""
    megadetector_json: Path | None = None
    """Also write recognitions in MegaDetector's format, for Timelapse: --megadetector-json FILE."""
    output: Path | None = None
    """.csv or .parquet to write; default: predictions_<split or folder>.csv beside the config."""


def predict(options: PredictOptions, overrides: list[Override]) -> None:
    """Load, predict, write the table, print the scores."""
    from classification.inference import predict_folder, predict_split
    from classification.query.names import STRATEGY_NAMES
    from classification.settings import load_config

    config = load_config(options.config, overrides, strategies=STRATEGY_NAMES)
    where = {
        "checkpoint": options.checkpoint,
        "output": options.output,
        "recognitions": options.megadetector_json,
    }
    if options.images is not None:
        predict_folder(config, options.config.parent, options.images, **where)
    else:
        predict_split(config, options.config.parent, options.split or "test", **where)


def main() -> None:
    """Entry point."""
    options, overrides = parse_run(PredictOptions, __doc__ or "")
    if options.images is not None and options.split is not None:
        sys.exit("error: give --split or --images, not both")
    run(lambda: predict(options, overrides))


if __name__ == "__main__":
    main()
