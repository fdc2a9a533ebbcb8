"""Archives that are nothing but folders of images."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from classification.data.cct import read_cct
from classification.data.clean.step import combine_datasets
from classification.data.exif import camera_time
from classification.data.options import CombineOptions
from classification.errors import FieldmarkError
from classification.paths import InterimPaths

TAKEN, CHANGED = 0x9003, 0x0132  # DateTimeOriginal, DateTime


def save(path: Path, shade: int, *, taken: str = "", changed: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if taken:
        exif.get_ifd(0x8769)[TAKEN] = taken
    if changed:
        exif[CHANGED] = changed
    Image.new("RGB", (40, 30), (shade, shade, shade)).save(path, exif=exif)


def combine(tmp_path: Path, **options: Any):
    out = tmp_path / "interim" / "mine"
    folder = tmp_path / "raw" / "mine" / "images"
    combine_datasets(CombineOptions(output_dir=out, images_dirs=(folder,), **options))
    return read_cct(InterimPaths(out).clean_cct)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two cameras; the second has a burst of two, five seconds apart, and one an hour later."""
    folder = tmp_path / "raw" / "mine" / "images"
    save(folder / "Cam 1" / "day1" / "a.jpg", 10)
    save(folder / "cam 2" / "day1" / "b.jpg", 20, taken="2020:05:08 19:23:36")
    save(folder / "cam 2" / "day1" / "c.JPG", 30, taken="2020:05:08 19:23:41")
    save(folder / "cam 2" / "day2" / "d.jpg", 40, changed="2020:05:08 20:23:41")
    (folder / ".trash").mkdir()
    save(folder / ".trash" / "e.jpg", 50)
    (folder / "cam 2" / "notes.txt").write_text("not an image")
    return folder


def test_a_folder_of_images_is_an_unlabelled_dataset(archive, tmp_path, capsys):
    cct = combine(tmp_path, location_folder=1)
    images = cct.images.set_index("id")
    assert list(images.index) == [
        "Cam 1/day1/a.jpg", "cam 2/day1/b.jpg", "cam 2/day1/c.JPG", "cam 2/day2/d.jpg",
    ]  # fmt: skip
    assert images["location"].nunique() == 2
    assert images["dataset"].unique().tolist() == ["mine"]
    assert images["datetime"].fillna("").tolist() == [
        "", "2020-05-08 19:23:36", "2020-05-08 19:23:41", "2020-05-08 20:23:41",
    ]  # fmt: skip
    assert images["seq_id"].nunique() == 2  # the burst, and the single frame after it
    assert cct.names.tolist() == ["unlabelled"] * 4
    out = capsys.readouterr().out
    assert "4 locations from folders: 2 cameras" in out
    assert "3 camera times read from the image files" in out


def test_the_folder_that_is_the_camera_can_be_any(archive, tmp_path, capsys):
    assert combine(tmp_path, location_folder=-1).images["location"].nunique() == 2
    assert combine(tmp_path, location_folder=2).images["location"].unique().tolist() == [
        "day1", "day2",
    ]  # fmt: skip
    assert combine(tmp_path, location_folder=3).images["location"].isna().all()
    capsys.readouterr()
    assert combine(tmp_path).images["location"].isna().all()
    assert "say which with --location-folder" in capsys.readouterr().out


def test_boxes_of_a_detector_and_the_folder_give_one_dataset_named_by_the_folder(archive, tmp_path):
    found = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, 0.5, 0.5]}
    results = tmp_path / "megadetector.json"
    names = ["Cam 1/day1/a.jpg", "cam 2/day1/b.jpg"]
    results.write_text(
        json.dumps(
            {
                "images": [{"file": name, "detections": [found]} for name in names],
                "detection_categories": {"1": "animal"},
                "info": {"format_version": "1.3"},
            }
        )
    )
    cct = combine(tmp_path, location_folder=1, md_results=(results,))
    assert cct.images["dataset"].unique().tolist() == ["mine"]
    assert cct.images["location"].nunique() == 2
    assert cct.annotations["bbox"].notna().sum() == 2


def test_a_folder_without_images(tmp_path):
    (tmp_path / "raw" / "mine" / "images").mkdir(parents=True)
    with pytest.raises(FieldmarkError, match="no image in"):
        combine(tmp_path)


@pytest.mark.parametrize("taken", ["0000:00:00 00:00:00", "yesterday", ""])
def test_a_clock_that_says_nothing(tmp_path, taken):
    save(tmp_path / "x.jpg", 10, taken=taken)
    assert camera_time(tmp_path / "x.jpg") == ""


def test_a_file_that_is_no_image_has_no_time(tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"nothing")
    assert camera_time(tmp_path / "x.jpg") == ""
    assert camera_time(tmp_path / "missing.jpg") == ""
