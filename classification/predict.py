"""Predictions of a trained model for a split of its dataset, or for any folder of images.

python classification/predict.py --config runs/<model>/<experiment>/config.yml --split test
python classification/predict.py --config runs/<model>/<experiment>/config.yml --images FOLDER
python classification/predict.py --model models:/NAME@champion --images FOLDER
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if not __package__:  # run by path: classification/ must not stay on sys.path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from classification.cli import run
from classification.settings import Override, parse_run

if TYPE_CHECKING:
    from classification.config import RunConfig


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """Options of predict.py beside the fields of the configuration."""

    config: Path | None = None
    """runs/<model>/<experiment>/config.yml of the run whose model is used; with --model and
    --images it may be left out."""
    model: str = ""
    """Registered model instead of that of a run: models:/NAME@champion, or models:/NAME/3."""
    checkpoint: Path | None = None
    """Folder with a model: rounds/NN or export of a run; default: the newest complete round."""
    split: Literal["val", "test", "train"] | None = None
    """Predict the crops of this split, and score them where labels are known."""
    images: Path | None = None
    """Predict every image in this folder and below: the crops/ folder of crop_detections.py for a
    model that learned from crops; the table then says which frame a crop is from."""
    megadetector_json: Path | None = None
    """Also write recognitions in MegaDetector's format, for Timelapse, with the boxes of the frames
    where they are known: --megadetector-json FILE."""
    output: Path | None = None
    """.csv or .parquet to write; default: predictions_<split or folder>.csv beside the config."""


def predict(options: PredictOptions, overrides: list[Override]) -> None:
    """Load, predict, write the table, print the scores."""
    from classification.paths import RunPaths, StorePaths
    from classification.query.names import ALL_NAMES
    from classification.settings import load_played
    from classification.tracking_store import tracking_uri
    from classification.versions.lookup import local_model

    config = load_played(options.config, overrides, strategies=ALL_NAMES)
    if not options.model:
        return _predict(options, config, options.checkpoint)
    store = RunPaths(options.config.parent) if options.config else StorePaths(Path("runs"))
    with local_model(options.model, tracking_uri(store)) as checkpoint:
        return _predict(options, config, checkpoint)


def _predict(options: PredictOptions, config: "RunConfig", checkpoint: Path | None) -> None:
    from classification.inference import predict_folder, predict_split

    run_folder = options.config.parent if options.config else Path()
    where = {
        "checkpoint": checkpoint,
        "output": options.output,
        "recognitions": options.megadetector_json,
    }
    if options.images is not None:
        predict_folder(config, run_folder, options.images, **where)
    else:
        predict_split(config, run_folder, options.split or "test", **where)


def problems(options: PredictOptions) -> list[str]:
    """Options that do not go together, in words."""
    found = []
    if options.images is not None and options.split is not None:
        found.append("give --split or --images, not both")
    if options.model and options.checkpoint is not None:
        found.append("give --model or --checkpoint, not both")
    if options.config is None and not (options.model and options.images):
        found.append("give --config, or --model together with --images")
    return found


def main() -> None:
    """Entry point."""
    options, overrides = parse_run(PredictOptions, __doc__ or "")
    if faults := problems(options):
        sys.exit("\n".join(f"error: {fault}" for fault in faults))
    run(lambda: predict(options, overrides))


if __name__ == "__main__":
    main()
