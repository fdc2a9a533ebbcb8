import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classification import files
from classification.data.boxes import square
from classification.data.images import open_image
from classification.errors import FieldmarkError
from tests.data.frames import Frames


@pytest.fixture
def archive(tmp_path: Path) -> Frames:
    return Frames(tmp_path)


def test_one_row_and_one_file_per_annotation(archive: Frames) -> None:
    archive.add("a/b.jpg", [10, 20, 60, 40], None)
    table = archive.crop()
    assert table["status"].tolist() == ["crop", "whole"]
    assert table.loc["a0", "path"] == "a/b.jpg___crop_a0.jpg"
    assert table.loc["a0", ["width", "height", "source_width"]].tolist() == [60, 60, 320]
    assert table.loc["a0", "sha256"] == files.sha256_file(archive.crop_file("a0"))
    assert open_image(archive.crop_file("a1")).size == (320, 240)


@pytest.mark.parametrize("box", [[10, 20, 60, 41], [300, 200, 20, 40], [0, 0, 300, 30]])
def test_crop_shows_the_pixels_of_its_square(archive: Frames, box: list[int]) -> None:
    archive.add("a.png", box)
    archive.crop(quality=95)
    left, top, right, bottom = square(tuple(box), 320, 240)  # type: ignore[arg-type]
    source = np.asarray(Image.open(archive.images / "a.png"), dtype=float)
    crop = np.asarray(open_image(archive.crop_file("a0")), dtype=float)
    assert crop.shape == (bottom - top, right - left, 3)
    # noise: a shift by one pixel would give about 85
    assert np.abs(crop - source[top:bottom, left:right]).mean() < 5


def test_pad_centres_the_box_on_black(archive: Frames) -> None:
    archive.add("a.png", [100, 50, 80, 20])
    archive.crop(crop_strategy="pad")
    crop = np.asarray(open_image(archive.crop_file("a0")), dtype=int)
    assert crop.shape == (80, 80, 3)
    assert crop[:24].max() < 60
    assert crop[56:].max() < 60
    assert crop[32:48].mean() > 80


def test_large_crops_are_scaled_down_and_look_the_same(archive: Frames) -> None:
    gradient = np.linspace(0, 255, 1200).astype(np.uint8)
    archive.images.mkdir(parents=True)
    picture = np.stack([np.tile(gradient, (900, 1))] * 3, axis=-1)
    Image.fromarray(picture).save(archive.images / "a.jpg", quality=95)
    archive.describe("a.jpg", [200, 100, 800, 700], None)
    table = archive.crop(max_size=100)
    assert table[["width", "height"]].values.tolist() == [[100, 100], [100, 75]]
    grey = np.asarray(open_image(archive.crop_file("a0")).convert("L"), dtype=float)[50]
    assert np.abs(grey - np.linspace(gradient[200], gradient[999], 100)).max() < 6
    archive.crop(max_size=0)
    assert open_image(archive.crop_file("a0")).size == (800, 800)


def test_exif_rotation_is_applied_before_the_box(archive: Frames) -> None:
    upright = Image.new("RGB", (320, 240))
    upright.paste((255, 0, 0), (200, 40, 260, 100))
    exif = Image.Exif()
    exif[0x0112] = 6
    archive.images.mkdir(parents=True)
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    stored.save(archive.images / "a.jpg", exif=exif, quality=95)
    archive.describe("a.jpg", [200, 40, 60, 60], width=320, height=240)
    archive.crop()
    crop = np.asarray(open_image(archive.crop_file("a0")), dtype=int)
    assert crop[..., 0].mean() > 240
    assert crop[..., 1].mean() < 20


def test_boxes_of_a_larger_copy_are_scaled(archive: Frames) -> None:
    archive.add("a.jpg", [20, 40, 100, 80])
    archive.value["images"][0] |= {"width": 640, "height": 480}
    assert archive.crop().loc["a0", ["width", "height"]].tolist() == [50, 50]


def test_relative_boxes(archive: Frames) -> None:
    archive.add("a.jpg", None)
    archive.value["annotations"][0]["bbox_relative"] = [0.25, 0.25, 0.25, 0.25]
    table = archive.crop()
    assert table.loc["a0", ["status", "width"]].tolist() == ["crop", 80]


REJECTS = {
    "missing": ("gone.jpg", [1, 1, 50, 50]),
    "unreadable": ("page.jpg", [1, 1, 50, 50]),
    "truncated": ("cut.jpg", [1, 1, 50, 50]),
    "nan": ("ok.jpg", [1, float("nan"), 50, 50]),
    "zero_area": ("ok.jpg", [10, 10, 0, 50]),
    "negative": ("ok.jpg", [10, 10, -8, 50]),
    "outside": ("ok.jpg", [400, 10, 50, 50]),
    "mostly_outside": ("ok.jpg", [300, 10, 100, 50]),
    "too_small": ("ok.jpg", [10, 10, 2, 3]),
    "size_mismatch": ("turned.jpg", [10, 10, 20, 30]),
}


@pytest.fixture
def awkward(archive: Frames) -> Frames:
    """One annotation per reason, and one good one."""
    archive.add("ok.jpg")
    archive.add("cut.jpg")
    archive.add("turned.jpg")
    archive.value["images"][2] |= {"width": 240, "height": 320}
    cut = (archive.images / "cut.jpg").read_bytes()
    (archive.images / "cut.jpg").write_bytes(cut[: len(cut) // 2])
    (archive.images / "page.jpg").write_bytes(b"<html>")
    archive.describe("page.jpg")
    archive.describe("gone.jpg")
    for reason, (name, box) in {**REJECTS, "good": ("ok.jpg", [5, 5, 50, 50])}.items():
        archive.value["annotations"].append(
            {"id": reason, "image_id": name, "category_id": 1, "bbox": box}
        )
    return archive


def test_every_reject_has_a_row_with_its_reason(awkward: Frames, tmp_path: Path) -> None:
    table = awkward.crop(logdir=tmp_path / "logs")
    assert table["reason"].dropna().to_dict() == {reason: reason for reason in REJECTS}
    assert table["path"].notna().sum() == 1
    assert "% of the rows decoded" in table.loc["truncated", "detail"]
    assert "gone.jpg" in table.loc["missing", "source"]
    (log,) = (tmp_path / "logs").glob("crop_detections_log_*.json")
    assert json.loads(log.read_text())["reasons"]["truncated"] == 1


def test_too_many_failures_end_with_an_error_after_everything_is_written(
    awkward: Frames,
) -> None:
    with pytest.raises(FieldmarkError) as error:
        awkward.crop(max_failures=0.5)
    assert "9 of 11 annotations could not be cropped" in str(error.value)  # not the small one
    assert "missing: gone.jpg, annotation missing" in str(error.value)
    assert awkward.crop_file("good").exists()


def test_box_in_the_readable_part_of_a_truncated_image(awkward: Frames) -> None:
    low = {"id": "low", "image_id": "cut.jpg", "category_id": 1, "bbox": [10, 180, 50, 50]}
    awkward.value["annotations"].append(low)
    table = awkward.crop(keep_truncated=True)
    assert table.loc["truncated", "status"] == "crop"
    assert table.loc["low", "reason"] == "truncated"


def test_images_lie_in_the_folder_of_their_dataset(archive: Frames) -> None:
    archive.add("first/a.jpg")
    archive.describe("a.jpg", [1, 1, 40, 40], source="first", source_file_name="a.jpg")
    assert archive.crop()["status"].tolist() == ["crop"]


def test_an_id_with_slashes_is_one_file_beside_the_others(archive: Frames) -> None:
    archive.add("cam 1/a.jpg", [10, 20, 60, 40], [10, 20, 60, 40], [10, 20, 60, 40])
    for number, name in enumerate(("cam 1/a.jpg_md00", "../x", "x" * 300)):
        archive.value["annotations"][number]["id"] = name
    table = archive.crop()
    assert table["path"].tolist()[:2] == [
        "cam 1/a.jpg___crop_cam 1_a.jpg_md00.jpg", "cam 1/a.jpg___crop_.._x.jpg",
    ]  # fmt: skip
    assert table["reason"].fillna("").tolist() == ["", "", "bad_name"]
    assert not list(archive.images.parent.glob("*x*.jpg"))


def test_camera_comments_do_not_reach_the_crop(archive: Frames) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    Image.new("RGB", (320, 240)).save(archive.images / "a.jpg", comment=b"lat 51.2 lon 7.1")
    archive.crop()
    assert b"lat" not in archive.crop_file("a0").read_bytes()


def test_bad_options_are_all_named(archive: Frames) -> None:
    archive.describe("a.jpg", None)
    with pytest.raises(FieldmarkError) as error:
        archive.crop(quality=0, threads=-1, images_dir=Path("nowhere"))
    for words in ("--quality 0", "--threads -1", "--images-dir nowhere"):
        assert words in str(error.value)


def test_dataset_without_annotations(archive: Frames) -> None:
    archive.add("a.jpg")
    with pytest.raises(FieldmarkError, match="no annotations"):
        archive.crop()


def test_real_night_frames(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "caltech_night"
    value = json.loads((folder / "caltech_night_cct.json").read_text())
    value["annotations"] = value["annotations"][::60]
    archive = Frames(tmp_path)
    archive.value, archive.images = value, folder / "images"
    table = archive.crop()
    assert set(table["status"]) <= {"crop", "whole"}
    boxed = table[table["status"] == "crop"]
    shorter = boxed[["source_width", "source_height"]].min(axis=1)
    square_or_capped = (boxed["width"] == boxed["height"]) | (
        boxed[["width", "height"]].max(axis=1) > shorter
    )
    assert square_or_capped.all()
