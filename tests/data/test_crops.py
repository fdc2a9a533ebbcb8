import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from classification import files
from classification.data.boxes import square
from classification.data.crop_journal import known_rows
from classification.data.crops import crop_detections
from classification.data.images import open_image
from classification.data.options import CropOptions
from classification.errors import FieldmarkError
from classification.paths import DatasetPaths
from classification.schemas import CropTable, read_csv


class Archive:
    """A folder of generated frames and the dataset that describes them."""

    def __init__(self, folder: Path) -> None:
        self.images = folder / "images"
        self.out = DatasetPaths(folder / "processed" / "set")
        self.value: dict[str, Any] = {
            "images": [],
            "annotations": [],
            "categories": [{"id": 1, "name": "deer"}],
        }
        self.cct = folder / "set_cct.json"

    def add(self, name: str, *boxes: Any, size: tuple[int, int] = (320, 240), **more: Any) -> None:
        path = self.images / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(len(name)).integers(0, 256, size[::-1], dtype=np.uint8)
        Image.fromarray(np.stack([noise] * 3, axis=-1)).save(path, quality=95)
        self.describe(name, *boxes, width=size[0], height=size[1], **more)

    def describe(self, name: str, *boxes: Any, **more: Any) -> None:
        self.value["images"].append({"id": name, "file_name": name, **more})
        for number, box in enumerate(boxes):
            record = {"id": f"{name[0]}{number}", "image_id": name, "category_id": 1}
            self.value["annotations"].append(record | ({"bbox": box} if box else {}))

    def crop(self, **options: Any) -> pd.DataFrame:
        self.cct.write_text(json.dumps(self.value))
        defaults = {"images_dir": self.images, "threads": 1, "max_failures": 1.0}
        crop_detections(CropOptions(cct=self.cct, output_dir=self.out.root, **(defaults | options)))
        return self.table()

    def table(self) -> pd.DataFrame:
        table = read_csv(self.out.crop_table, CropTable, what="crops")
        return table.set_index("annotation_id", drop=False)

    def crop_file(self, annotation: str) -> Path:
        return self.out.crops / str(self.table().loc[annotation, "path"])


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def test_one_row_and_one_file_per_annotation(archive: Archive) -> None:
    archive.add("a/b.jpg", [10, 20, 60, 40], None)
    table = archive.crop()
    assert table["status"].tolist() == ["crop", "whole"]
    assert table.loc["a0", "path"] == "a/b.jpg___crop_a0.jpg"
    assert table.loc["a0", ["width", "height", "source_width"]].tolist() == [60, 60, 320]
    assert table.loc["a0", "sha256"] == files.sha256_file(archive.crop_file("a0"))
    assert open_image(archive.crop_file("a1")).size == (320, 240)


@pytest.mark.parametrize("box", [[10, 20, 60, 41], [300, 200, 20, 40], [0, 0, 300, 30]])
def test_crop_shows_the_pixels_of_its_square(archive: Archive, box: list[int]) -> None:
    archive.add("a.png", box)
    archive.crop(quality=95)
    left, top, right, bottom = square(tuple(box), 320, 240)  # type: ignore[arg-type]
    source = np.asarray(Image.open(archive.images / "a.png"), dtype=float)
    crop = np.asarray(open_image(archive.crop_file("a0")), dtype=float)
    assert crop.shape == (bottom - top, right - left, 3)
    # noise: a shift by one pixel would give about 85
    assert np.abs(crop - source[top:bottom, left:right]).mean() < 5


def test_pad_centres_the_box_on_black(archive: Archive) -> None:
    archive.add("a.png", [100, 50, 80, 20])
    archive.crop(crop_strategy="pad")
    crop = np.asarray(open_image(archive.crop_file("a0")), dtype=int)
    assert crop.shape == (80, 80, 3)
    assert crop[:24].max() < 60
    assert crop[56:].max() < 60
    assert crop[32:48].mean() > 80


def test_large_crops_are_scaled_down_and_look_the_same(archive: Archive) -> None:
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


def test_exif_rotation_is_applied_before_the_box(archive: Archive) -> None:
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


def test_boxes_of_a_larger_copy_are_scaled(archive: Archive) -> None:
    archive.add("a.jpg", [20, 40, 100, 80])
    archive.value["images"][0] |= {"width": 640, "height": 480}
    assert archive.crop().loc["a0", ["width", "height"]].tolist() == [50, 50]


def test_relative_boxes(archive: Archive) -> None:
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
def awkward(archive: Archive) -> Archive:
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


def test_every_reject_has_a_row_with_its_reason(awkward: Archive, tmp_path: Path) -> None:
    table = awkward.crop(logdir=tmp_path / "logs")
    assert table["reason"].dropna().to_dict() == {reason: reason for reason in REJECTS}
    assert table["path"].notna().sum() == 1
    assert "% of the rows decoded" in table.loc["truncated", "detail"]
    assert "gone.jpg" in table.loc["missing", "source"]
    (log,) = (tmp_path / "logs").glob("crop_detections_log_*.json")
    assert json.loads(log.read_text())["reasons"]["truncated"] == 1


def test_too_many_failures_end_with_an_error_after_everything_is_written(
    awkward: Archive,
) -> None:
    with pytest.raises(FieldmarkError) as error:
        awkward.crop(max_failures=0.5)
    assert "9 of 11 annotations could not be cropped" in str(error.value)  # not the small one
    assert "missing: gone.jpg, annotation missing" in str(error.value)
    assert awkward.crop_file("good").exists()


def test_box_in_the_readable_part_of_a_truncated_image(awkward: Archive) -> None:
    low = {"id": "low", "image_id": "cut.jpg", "category_id": 1, "bbox": [10, 180, 50, 50]}
    awkward.value["annotations"].append(low)
    table = awkward.crop(keep_truncated=True)
    assert table.loc["truncated", "status"] == "crop"
    assert table.loc["low", "reason"] == "truncated"


def snapshot(archive: Archive) -> dict[str, tuple[int, int]]:
    found = archive.out.crops.rglob("*.jpg")
    return {p.name: (p.stat().st_mtime_ns, p.stat().st_ino) for p in found}


def test_second_run_touches_nothing(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    archive.add("a.jpg", [10, 20, 60, 40], None)
    first, before = archive.crop(), snapshot(archive)
    second = archive.crop()
    assert snapshot(archive) == before
    pd.testing.assert_frame_equal(first, second)
    assert "2 of them verified from earlier runs" in capsys.readouterr().out


def test_damaged_and_deleted_crops_are_made_again(archive: Archive) -> None:
    archive.add("a.jpg", [10, 20, 60, 40], [50, 60, 60, 40], [90, 20, 60, 40])
    archive.crop()
    before = snapshot(archive)
    half = archive.crop_file("a0").read_bytes()[:500]
    archive.crop_file("a0").write_bytes(half)
    archive.crop_file("a1").unlink()
    table = archive.crop()
    for key in ("a0", "a1"):
        assert files.sha256_file(archive.crop_file(key)) == table.loc[key, "sha256"]
    name = archive.crop_file("a2").name
    assert snapshot(archive)[name] == before[name]


@pytest.mark.parametrize(
    "change", [{"crop_strategy": "pad"}, {"max_size": 30}, {"quality": 50}, {"min_size": 1}]
)
def test_other_options_make_other_crops(archive: Archive, change: dict[str, Any]) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    archive.crop()
    before = snapshot(archive)
    archive.crop(**change)
    assert snapshot(archive) != before


def test_moved_box_and_new_source_make_a_new_crop(archive: Archive) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    first = archive.crop().loc["a0", "sha256"]
    archive.value["annotations"][0]["bbox"] = [11, 20, 60, 40]
    second = archive.crop().loc["a0", "sha256"]
    assert first != second
    Image.new("RGB", (320, 240)).save(archive.images / "a.jpg")
    assert archive.crop().loc["a0", "sha256"] != second


def test_crops_stay_when_the_raw_images_are_gone(archive: Archive) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    archive.crop()
    (archive.images / "a.jpg").unlink()
    assert archive.crop().loc["a0", "status"] == "crop"


def test_image_that_arrives_later_is_cropped(archive: Archive) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    data = (archive.images / "a.jpg").read_bytes()
    (archive.images / "a.jpg").unlink()
    assert archive.crop().loc["a0", "reason"] == "missing"
    (archive.images / "a.jpg").write_bytes(data)
    assert archive.crop().loc["a0", "status"] == "crop"


def test_journal_of_a_killed_run_is_taken_up(archive: Archive) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    archive.add("b.jpg", [10, 20, 60, 40])
    archive.crop()
    rows = list(known_rows(archive.out).values())
    before = snapshot(archive)
    archive.out.crop_table.unlink()
    archive.out.crop_journal.write_text(json.dumps(rows[0]) + "\n" + json.dumps(rows[1])[:40])
    table = archive.crop()
    after = snapshot(archive)
    assert [after[name] == before[name] for name in sorted(after)] == [True, False]
    assert table["status"].tolist() == ["crop", "crop"]
    assert not archive.out.crop_journal.exists()


def test_killed_run_resumes_to_the_same_result(
    archive: Archive, root: Path, tmp_path: Path
) -> None:
    for number in range(80):
        archive.add(f"{number}.jpg", [10, 20, 60, 40], size=(800, 600))
        archive.value["annotations"][-1]["id"] = f"n{number}"
    archive.cct.write_text(json.dumps(archive.value))
    command = [sys.executable, str(root / "utils" / "crop_detections.py"), str(archive.cct)]
    command += [str(archive.out.root), "--images-dir", str(archive.images), "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(archive.out.crops.glob("*.jpg"))) < 10:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    made = snapshot(archive)
    table = archive.crop()
    assert len(table) == 80
    assert set(table["status"]) == {"crop"}
    kept = sum(snapshot(archive)[name] == stamp for name, stamp in made.items())
    assert kept > 0
    archive.out = DatasetPaths(tmp_path / "at_once")
    pd.testing.assert_frame_equal(archive.crop(), table)


def test_processes_give_the_same_table(archive: Archive, tmp_path: Path) -> None:
    for number in range(70):
        archive.add(f"{number}.jpg", [10, 20, 60, 40])
        archive.value["annotations"][-1]["id"] = f"n{number}"
    one = archive.crop(threads=1)
    archive.out = DatasetPaths(tmp_path / "two")
    pd.testing.assert_frame_equal(one, archive.crop(threads=2))


def test_full_disk_leaves_a_run_that_can_go_on(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    archive.add("b.jpg", [10, 20, 60, 40])
    real = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if "b.jpg" in path.name:
            raise OSError(28, "No space left on device")
        return real(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(FieldmarkError, match="No space left"):
            archive.crop()
    assert len(snapshot(archive)) == 1
    assert archive.crop()["status"].tolist() == ["crop", "crop"]


def test_crops_of_another_dataset_are_refused(archive: Archive, tmp_path: Path) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    archive.crop()
    other = Archive(tmp_path / "other")
    other.out = archive.out
    other.add("z.jpg", [10, 20, 60, 40])
    with pytest.raises(FieldmarkError, match="crops of another dataset"):
        other.crop()


def test_images_lie_in_the_folder_of_their_dataset(archive: Archive) -> None:
    archive.add("first/a.jpg")
    archive.describe("a.jpg", [1, 1, 40, 40], source="first", source_file_name="a.jpg")
    assert archive.crop()["status"].tolist() == ["crop"]


def test_names_that_leave_the_folder_or_are_too_long(archive: Archive) -> None:
    archive.add("a.jpg", [10, 20, 60, 40], [10, 20, 60, 40])
    archive.value["annotations"][0]["id"] = "../../../x"
    archive.value["annotations"][1]["id"] = "x" * 300
    assert archive.crop()["reason"].tolist() == ["bad_name", "bad_name"]
    assert not list(archive.images.parent.glob("*x*.jpg"))


def test_camera_comments_do_not_reach_the_crop(archive: Archive) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    Image.new("RGB", (320, 240)).save(archive.images / "a.jpg", comment=b"lat 51.2 lon 7.1")
    archive.crop()
    assert b"lat" not in archive.crop_file("a0").read_bytes()


def test_bad_options_are_all_named(archive: Archive) -> None:
    archive.describe("a.jpg", None)
    with pytest.raises(FieldmarkError) as error:
        archive.crop(quality=0, threads=-1, images_dir=Path("nowhere"))
    for words in ("--quality 0", "--threads -1", "--images-dir nowhere"):
        assert words in str(error.value)


def test_dataset_without_annotations(archive: Archive) -> None:
    archive.add("a.jpg")
    with pytest.raises(FieldmarkError, match="no annotations"):
        archive.crop()


def test_real_night_frames(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "caltech_night"
    value = json.loads((folder / "caltech_night_cct.json").read_text())
    value["annotations"] = value["annotations"][::60]
    archive = Archive(tmp_path)
    archive.value, archive.images = value, folder / "images"
    table = archive.crop()
    assert set(table["status"]) <= {"crop", "whole"}
    boxed = table[table["status"] == "crop"]
    shorter = boxed[["source_width", "source_height"]].min(axis=1)
    square_or_capped = (boxed["width"] == boxed["height"]) | (
        boxed[["width", "height"]].max(axis=1) > shorter
    )
    assert square_or_capped.all()
