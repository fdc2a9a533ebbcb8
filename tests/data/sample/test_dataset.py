"""The generated dataset as its users meet it: files, annotations, second runs."""

import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from classification.data.sample.dataset import make_sample_dataset
from classification.data.sample.options import SampleOptions
from classification.data.sample.records import CATEGORY_IDS
from classification.data.sample.schedule import is_night
from classification.errors import FieldmarkError
from tests.data.sample.conftest import SMALL, Sample, make

ORIENTATION = 0x0112


def contents(root: Path) -> dict[str, bytes]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_ids_are_unique_and_references_resolve(sample: Sample) -> None:
    cct = sample.cct
    for table in ("images", "annotations", "categories"):
        ids = [row["id"] for row in cct[table]]
        assert len(ids) == len(set(ids)) > 0
    assert {one["image_id"] for one in cct["annotations"]} == set(sample.images)
    assert {one["category_id"] for one in cct["annotations"]} <= set(CATEGORY_IDS.values())
    assert CATEGORY_IDS["empty"] == 0


def test_every_image_is_there_once_and_has_the_size_it_claims(sample: Sample) -> None:
    named = [image["file_name"] for image in sample.cct["images"]]
    stored = [p.relative_to(sample.root / "images") for p in sample.root.glob("images/*/*.jpg")]
    assert sorted(named) == sorted(path.as_posix() for path in stored)
    for image in sample.cct["images"]:
        assert sample.upright(image).shape == (image["height"], image["width"], 3)


def test_boxes_lie_inside_the_upright_image(sample: Sample) -> None:
    for one in sample.boxed:
        x, y, width, height = one["bbox"]
        image = sample.images[one["image_id"]]
        assert x >= 0
        assert y >= 0
        assert width >= 3
        assert height >= 3
        assert x + width <= image["width"]
        assert y + height <= image["height"]


def test_empty_images_have_one_annotation_without_a_box(sample: Sample) -> None:
    by_image = Counter(one["image_id"] for one in sample.cct["annotations"])
    empty = [one for one in sample.cct["annotations"] if one["category_id"] == 0]
    assert 0.08 <= len(empty) / len(sample.images) <= 0.25
    for one in empty:
        assert "bbox" not in one
        assert by_image[one["image_id"]] == 1


def test_rotated_cameras_store_turned_pixels_under_upright_boxes(sample: Sample) -> None:
    seen = Counter()
    for image in sample.cct["images"]:
        with Image.open(sample.root / "images" / image["file_name"]) as stored:
            turn = stored.getexif()[ORIENTATION]
            upright = (image["width"], image["height"])
            assert stored.size == (upright if turn in (1, 3) else upright[::-1])
            seen[turn] += 1
    assert set(seen) == {1, 3, 6, 8}
    assert seen[1] > len(sample.images) / 2


def test_the_strip_is_at_the_bottom_of_the_upright_picture(sample: Sample) -> None:
    for image in sample.cct["images"][::7]:
        pixels = sample.upright(image).astype(int)
        strip = pixels[-10:-1].std(axis=(0, 2)).min()  # columns between letters are plain
        assert strip < 12, image["file_name"]


def test_day_is_coloured_and_night_is_not(sample: Sample) -> None:
    colour: dict[bool, list[float]] = {True: [], False: []}
    for image in sample.cct["images"]:
        moment = datetime.strptime(image["datetime"], "%Y-%m-%d %H:%M:%S")
        picture = sample.upright(image)[:-16].astype(int)
        colour[is_night(moment)].append(float(np.ptp(picture, axis=2).mean()))
    assert max(colour[True]) < 1
    assert min(colour[False]) > 4


def test_bursts_are_numbered_and_in_order_of_time(sample: Sample) -> None:
    bursts: dict[str, list[dict]] = {}
    for image in sample.cct["images"]:
        bursts.setdefault(image["seq_id"], []).append(image)
    assert max(len(frames) for frames in bursts.values()) >= 3
    for frames in bursts.values():
        assert [image["frame_num"] for image in frames] == list(range(len(frames)))
        assert {image["seq_num_frames"] for image in frames} == {len(frames)}
        assert len({image["location"] for image in frames}) == 1
        times = [image["datetime"] for image in frames]
        assert times == sorted(times)
        assert len(set(times)) == len(times)


def test_frames_of_a_burst_differ_but_share_their_scene(sample: Sample) -> None:
    first = next(i for i in sample.cct["images"] if i["seq_num_frames"] >= 3)
    burst = [i for i in sample.cct["images"] if i["seq_id"] == first["seq_id"]]
    one, two = (sample.upright(image).astype(int) for image in burst[:2])
    other = next(i for i in sample.cct["images"] if i["location"] != first["location"])
    assert np.abs(one - two).mean() > 0
    if one.shape == (shape := sample.upright(other).shape):
        assert np.abs(one - two).mean() < np.abs(one - sample.upright(other)).mean(), shape


def test_locations_have_folders_of_their_own(sample: Sample) -> None:
    locations = {image["location"] for image in sample.cct["images"]}
    assert len(locations) == 12
    assert all(i["file_name"].startswith(f"{i['location']}/") for i in sample.cct["images"])


def test_a_second_run_changes_nothing_and_says_so(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in sample.root.rglob("*")}
    make(sample.root)
    assert "nothing to do" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in sample.root.rglob("*")}


def test_an_interrupted_run_is_drawn_again_to_the_same_bytes_by_two_processes(
    sample: Sample, tmp_path: Path
) -> None:
    copy = tmp_path / "wild"
    shutil.copytree(sample.root, copy)
    (copy / "wild_cct.json").unlink()  # written last, so this is what an interruption leaves
    for folder in list((copy / "images").iterdir())[::2]:
        shutil.rmtree(folder)
    make(copy, processes=2)
    assert contents(copy) == contents(sample.root)


def test_other_options_in_the_same_folder_are_refused(sample: Sample) -> None:
    before = contents(sample.root)
    with pytest.raises(FieldmarkError, match="seed: there 0, now 3"):
        make(sample.root, seed=3)
    assert contents(sample.root) == before


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("mine")
    with pytest.raises(FieldmarkError, match="not made by this step"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.txt"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FieldmarkError, match="is a file"):
        make(tmp_path / "file")


def test_all_options_out_of_range_are_named_at_once(tmp_path: Path) -> None:
    wrong: dict[str, Any] = {"images": 3, "locations": 2, "width": 10, "seed": -1}
    with pytest.raises(FieldmarkError) as error:
        make_sample_dataset(SampleOptions(output_dir=tmp_path / "x", **(SMALL | wrong)))
    assert all(f"--{name}" in str(error.value) for name in wrong)
    assert not (tmp_path / "x").exists()
