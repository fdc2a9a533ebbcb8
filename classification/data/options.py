"""Options of the data steps. Light: the entry points import this before they parse."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class CropOptions:
    """Cut every annotated box out of its image."""

    cct: Path
    """COCO Camera Traps JSON, best the clean one of combine_datasets.py."""
    output_dir: Path
    """data/processed/<dataset>; receives crops/ and crops.csv."""
    images_dir: Path
    """Folder that the file names in the JSON start from."""
    crop_strategy: Literal["square", "pad"] = "square"
    """square: a square around the box, shifted into the image. pad: the box itself on black."""
    threads: int = 0
    """Processes; 0 means one per core."""
    max_size: int = 512
    """Longest side of a crop in pixels; larger ones are scaled down. 0 keeps every size."""
    min_size: int = 4
    """Boxes whose longer side is shorter than this many pixels are rejected."""
    quality: int = 90
    """JPEG quality of the crops, 1 to 95."""
    keep_truncated: bool = False
    """Crop boxes that lie in the readable part of a truncated image instead of rejecting them."""
    max_failures: float = 0.01
    """Share of annotations that may fail (missing and broken images, bad boxes) before the step
    ends with an error; boxes under --min-size do not count."""
    logdir: Path | None = None
    """Folder for the log of rejects; the output folder by default."""


@dataclass(frozen=True, kw_only=True)
class CombineOptions:
    """Clean and combine datasets."""

    output_dir: Path
    """data/interim/<dataset>; receives <dataset>_clean_cct.json, dropped.csv and summary.json."""
    cct: tuple[Path, ...] = ()
    """COCO Camera Traps files, JSON or zipped. Without any, the images of --md-results, or else
    all images in --images-dirs, which nobody has labelled yet."""
    names: tuple[str, ...] = ()
    """Name of the dataset of each file; by default from the file name, without --cct from the
    images folder. Exports of one project should share a name."""
    images_dirs: tuple[Path, ...] = ()
    """Images folder of each file, or one for all; without it files are not looked at, nor the
    times in them (EXIF) where the JSON has none."""
    location_folder: int = 0
    """Which folder in an image's name is its camera, where the JSON says no location: 1 is the
    first (cam7 in cam7/day2/0001.jpg), -1 the one the image lies in. 0: none."""
    md_results: tuple[Path, ...] = ()
    """MegaDetector results: boxes for the images that have none."""
    md_threshold: float = 0.2
    """Confidence from which a detection counts."""
    md_categories: tuple[str, ...] = ("animal",)
    """Detection categories that count."""
    category_map: Path | None = None
    """YAML or JSON with the sections keep, drop, rename and merge."""
    unmapped: Literal["keep", "drop", "error"] = "keep"
    """What to do with labels that the category map does not name."""
    unvalidated: Literal["unlabel", "keep", "drop"] = "unlabel"
    """Labels that a model gave and nobody confirmed (validated: false)."""
    sequence_labels: Literal["single", "keep", "unlabel", "drop"] = "single"
    """Labels given to a whole burst. single: keep them where the burst has only one."""
    whole_image_boxes: Literal["drop", "frame", "keep"] = "drop"
    """Boxes that cover 0.95 of both width and height. frame: keep the label, for the frame."""
    min_inside: float = 0.5
    """Share of a box that must lie in the image; it is clipped then, and dropped otherwise."""
    duplicates: Literal["none", "content", "near"] = "content"
    """Copies of one picture, by content or also by look (same camera time). Needs --images-dirs."""
    locations: Literal["shared", "separate"] = "shared"
    """shared: a location name in two files is one camera; it must not be split."""
    sequence_gap: float = 60.0
    """Seconds up to which frames of a camera make one burst, where seq_id is missing."""
    threads: int = 0
    """Processes that look at files; 0 means one per core."""
    max_failures: float = 0.01
    """Share of images whose file may be missing or broken before the step ends with an error."""


@dataclass(frozen=True, kw_only=True)
class ClassificationDatasetOptions:
    """Write the classification table, the splits, and a CCT per split."""

    output_dir: Path
    """data/processed/<dataset>; the folder that crop_detections.py wrote to."""
    mode: list[Literal["csv", "splits", "cct"]] = field(
        default_factory=lambda: ["csv", "splits", "cct"]
    )
    """What to write. csv: classification_ds.csv and label_index.json. splits: splits.json and
    split_report.json. cct: train_cct.json, val_cct.json, test_cct.json. What is not named is read
    from the output folder."""
    cct_json: Path | None = None
    """The COCO Camera Traps JSON that was cropped; needed for csv."""
    crops_dir: Path | None = None
    """Crops folder, with the crop table beside it; OUTPUT_DIR/crops by default."""
    classes: list[str] = field(default_factory=list)
    """Classes that people will label beside those the JSON has labels of. An archive that nobody
    has labelled needs two or more; its crops are split by camera alone, and people label some of
    val and test, too."""
    min_locs: int = 1
    """Leave out classes seen at fewer camera locations than this."""
    label_spec: Path | None = None
    """YAML or JSON, {label: [dataset class, ...]}: merge and rename classes; classes that it does
    not name are left out."""
    exclude: list[str] = field(default_factory=lambda: ["empty"])
    """Labels to leave out. Empty frames are whole frames beside crops of animals: a model would
    learn the size of the frame."""
    group_by: Literal["location", "sequence", "image"] = "location"
    """What a split keeps together. Only location gives figures that hold at new cameras (where it
    is unknown the sequence takes its place); the others write a split that leaks."""
    val_frac: float = 0.15
    """Share of every class that validation should get."""
    test_frac: float | None = None
    """Share of every class that the test should get; 0.15 by default. With --match-test the test
    set stays as it was by default, and grows to this share if given."""
    method: Literal["search", "random", "smallest_first"] = "search"
    """search: local search with guarantees for every class. random: best of 10,000 draws, as
    MegaDetector and animl-ml do. smallest_first: greedy, rarest class first."""
    match_test: list[Path] = field(default_factory=list)
    """classification_ds.csv and splits.json of an earlier dataset: its test set is kept, and its
    other locations never enter the test."""
    min_class_crops: int = 5
    """Crops of every class that every split should have; what cannot be met is reported."""
    min_class_locs: int = 1
    """Camera locations of every class that every split should have."""
    near_duplicates: bool = True
    """Look for crops that look the same although their bytes differ and keep them in one split.
    Decodes every crop once; the thumbnails are kept for the next time."""
    seed: int = 0
    """The same seed and data give the same splits."""


@dataclass(frozen=True, kw_only=True)
class AuditOptions:
    """Look for anything that crosses splits."""

    output_dir: Path
    """data/processed/<dataset> with classification_ds.csv and splits.json."""
    crops_dir: Path | None = None
    """Crops folder; OUTPUT_DIR/crops by default."""
    near_duplicates: bool = True
    """Also compare what the crops look like; without it only names and content hashes count."""
