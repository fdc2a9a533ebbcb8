import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from classification import files
from classification.data.crop_journal import known_rows
from classification.errors import FieldmarkError
from classification.paths import DatasetPaths
from tests.data.frames import Frames, snapshot


@pytest.fixture
def archive(tmp_path: Path) -> Frames:
    return Frames(tmp_path)


def test_second_run_touches_nothing(archive: Frames, capsys: pytest.CaptureFixture[str]) -> None:
    archive.add("a.jpg", [10, 20, 60, 40], None)
    first, before = archive.crop(), snapshot(archive)
    second = archive.crop()
    assert snapshot(archive) == before
    pd.testing.assert_frame_equal(first, second)
    assert "2 of them verified from earlier runs" in capsys.readouterr().out


def test_damaged_and_deleted_crops_are_made_again(archive: Frames) -> None:
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
def test_other_options_make_other_crops(archive: Frames, change: dict[str, Any]) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    archive.crop()
    before = snapshot(archive)
    archive.crop(**change)
    assert snapshot(archive) != before


def test_moved_box_and_new_source_make_a_new_crop(archive: Frames) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    first = archive.crop().loc["a0", "sha256"]
    archive.value["annotations"][0]["bbox"] = [11, 20, 60, 40]
    second = archive.crop().loc["a0", "sha256"]
    assert first != second
    Image.new("RGB", (320, 240)).save(archive.images / "a.jpg")
    assert archive.crop().loc["a0", "sha256"] != second


def test_crops_stay_when_the_raw_images_are_gone(archive: Frames) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    archive.crop()
    (archive.images / "a.jpg").unlink()
    assert archive.crop().loc["a0", "status"] == "crop"


def test_image_that_arrives_later_is_cropped(archive: Frames) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    data = (archive.images / "a.jpg").read_bytes()
    (archive.images / "a.jpg").unlink()
    assert archive.crop().loc["a0", "reason"] == "missing"
    (archive.images / "a.jpg").write_bytes(data)
    assert archive.crop().loc["a0", "status"] == "crop"


def test_journal_of_a_killed_run_is_taken_up(archive: Frames) -> None:
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


def test_killed_run_resumes_to_the_same_result(archive: Frames, root: Path, tmp_path: Path) -> None:
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


def test_processes_give_the_same_table(archive: Frames, tmp_path: Path) -> None:
    for number in range(70):
        archive.add(f"{number}.jpg", [10, 20, 60, 40])
        archive.value["annotations"][-1]["id"] = f"n{number}"
    one = archive.crop(threads=1)
    archive.out = DatasetPaths(tmp_path / "two")
    pd.testing.assert_frame_equal(one, archive.crop(threads=2))


def test_full_disk_leaves_a_run_that_can_go_on(
    archive: Frames, monkeypatch: pytest.MonkeyPatch
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


def test_crops_of_another_dataset_are_refused(archive: Frames, tmp_path: Path) -> None:
    archive.add("a.jpg", [10, 20, 60, 40])
    archive.crop()
    other = Frames(tmp_path / "other")
    other.out = archive.out
    other.add("z.jpg", [10, 20, 60, 40])
    with pytest.raises(FieldmarkError, match="crops of another dataset"):
        other.crop()
