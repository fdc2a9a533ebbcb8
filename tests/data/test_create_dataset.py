"""Step 5 from crops to files, as a person runs it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from classification.data.cct import read_cct
from classification.data.create_dataset import create_classification_dataset
from classification.data.options import ClassificationDatasetOptions
from classification.data.splits import assign_splits, read_splits
from classification.data.table import read_table
from classification.errors import FieldmarkError
from classification.schemas import CropTable, write_csv
from tests.data.archive import Archive, make_archive, picture

LABELS = ["fox", "deer", "cat"]


def shown(locations: int, per_location: int = 4) -> list[tuple[str | None, str]]:
    return [
        (f"cam{i:02d}", LABELS[(i + n) % 3]) for i in range(locations) for n in range(per_location)
    ]


def run(archive: Archive, **fields: Any) -> None:
    values = {"output_dir": archive.paths.root, "cct_json": archive.cct, "min_class_crops": 1}
    create_classification_dataset(ClassificationDatasetOptions(**(values | fields)))


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix in (".csv", ".json")}


def test_all_files_are_written_and_agree(tmp_path, capsys: pytest.CaptureFixture[str]):
    rows = [*shown(10), ("cam00", "empty"), ("cam99", "unlabelled")]
    archive = make_archive(tmp_path / "demo", rows)
    run(archive)
    paths = archive.paths
    table, splits = read_table(paths.table), read_splits(paths.splits)
    split = assign_splits(table, splits)
    assert json.loads(paths.label_index.read_text()) == {"0": "cat", "1": "deer", "2": "fox"}
    assert len(table) == 41
    assert ("demo", "cam99") in splits["train"]
    report = json.loads(paths.split_report.read_text())
    assert report["splits"]["train"]["unlabelled"] == 1
    assert report["classes"]["fox"]["test"]["groups"] >= 1
    for name in ("train", "val", "test"):
        cct = read_cct(paths.split_cct(name))
        rows_here = table[split == name]
        assert cct.images["file_name"].tolist() == rows_here["path"].tolist()
        assert cct.images["width"].tolist() == [48.0] * len(rows_here)
        assert cct.images["orig_id"].tolist() == rows_here["image_id"].tolist()
        assert cct.names.tolist() == rows_here["label"].dropna().tolist()
    out = capsys.readouterr().out
    assert "empty 1" in out
    assert "1 crops are not labelled yet" in out


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    one, two = (make_archive(tmp_path / n / "demo", shown(9)) for n in ("one", "two"))
    for archive in (one, two):
        run(archive, seed=5)
    assert contents(one.paths.root) == contents(two.paths.root)
    run(one, seed=5)  # again, over its own output
    assert contents(one.paths.root) == contents(two.paths.root)


def test_modes_build_on_what_is_there(tmp_path):
    archive = make_archive(tmp_path / "demo", shown(8))
    run(archive, mode=["csv"])
    assert not archive.paths.splits.exists()
    run(archive, mode=["splits"], cct_json=None)
    assert not archive.paths.split_cct("train").exists()
    run(archive, mode=["cct"], cct_json=None)
    assert archive.paths.split_cct("test").exists()
    run(archive, mode=["splits"], cct_json=None, seed=3)
    assert not archive.paths.split_cct("test").exists()  # it was of the earlier splits


def test_without_locations_bursts_are_kept_together(tmp_path):
    fields = {n: {"seq_id": f"burst{n // 4}"} for n in range(40)}
    archive = make_archive(tmp_path / "m", [(None, c) for _, c in shown(10)], image_fields=fields)
    run(archive)
    table = read_table(archive.paths.table)
    split = assign_splits(table, read_splits(archive.paths.splits))
    assert set(table["group"]) == {f"sequence:burst{i}" for i in range(10)}
    assert split.groupby(table["seq_id"]).nunique().max() == 1


@pytest.mark.parametrize("group_by", ["sequence", "image"])
def test_a_grouping_that_leaks_is_written_with_a_loud_warning(
    tmp_path, capsys: pytest.CaptureFixture[str], group_by: str
):
    archive = make_archive(tmp_path / "demo", shown(8))
    run(archive, group_by=group_by)
    warning = capsys.readouterr().err
    assert f"WARNING: --group-by {group_by}" in warning
    assert "location: " in warning
    with pytest.raises(FieldmarkError, match="--group-by location is not how"):
        run(archive, mode=["splits"])


def test_a_copy_at_another_camera_stays_on_its_side(tmp_path):
    copy = picture(0).resize((40, 40))
    pictures: dict[int, Image.Image] = dict.fromkeys((5, 17, 29), copy)
    archive = make_archive(tmp_path / "demo", shown(10), pictures=pictures)
    run(archive)
    table = read_table(archive.paths.table)
    split = assign_splits(table, read_splits(archive.paths.splits))
    assert split.iloc[[0, 5, 17, 29]].nunique() == 1


class TestMatchTest:
    def grown(self, tmp_path: Path) -> tuple[Archive, Archive, set[tuple[str, str]]]:
        old = make_archive(tmp_path / "v1" / "demo", shown(10))
        run(old)
        new = make_archive(tmp_path / "v2" / "demo", shown(20))
        return old, new, read_splits(old.paths.splits)["test"]

    def test_the_test_set_stays(self, tmp_path):
        old, new, test = self.grown(tmp_path)
        run(new, match_test=[old.paths.table, old.paths.splits])
        assert read_splits(new.paths.splits)["test"] == test

    def test_it_grows_to_a_share_if_asked(self, tmp_path):
        old, new, test = self.grown(tmp_path)
        run(new, match_test=[old.paths.table, old.paths.splits], test_frac=0.3)
        assert read_splits(new.paths.splits)["test"] > test

    def test_rows_that_the_new_data_lack_come_back(self, tmp_path, capsys):
        old, _, test = self.grown(tmp_path)
        kept = [row for row in shown(10) if ("demo", row[0]) not in test]
        new = make_archive(tmp_path / "v3" / "demo", kept, first=100)
        match = [old.paths.table, old.paths.splits]
        with pytest.raises(FieldmarkError, match="crops are not in"):
            run(new, match_test=match)
        shutil.copytree(old.paths.crops, new.paths.crops, dirs_exist_ok=True)
        run(new, match_test=match)
        table = read_table(new.paths.table)
        assert read_splits(new.paths.splits)["test"] == test
        assert len(table) == 40
        assert "rows of the frozen test set put back" in capsys.readouterr().out

    def test_one_file_is_not_enough(self, tmp_path):
        old, new, _ = self.grown(tmp_path)
        with pytest.raises(FieldmarkError, match="takes two files"):
            run(new, match_test=[old.paths.table])


def test_bad_options_are_reported_together(tmp_path):
    archive = make_archive(tmp_path / "demo", shown(4))
    with pytest.raises(FieldmarkError, match=r"(?s)needs --cct-json.*--min-locs 0.*--seed -1"):
        run(archive, cct_json=None, min_locs=0, seed=-1)


def test_one_class_stops_before_anything_is_written(tmp_path):
    archive = make_archive(tmp_path / "demo", [("a", "fox"), ("b", "fox"), ("c", "empty")])
    with pytest.raises(FieldmarkError, match=r"1 class \(fox\)"):
        run(archive)
    assert not archive.paths.table.exists()


def test_a_missing_crop_table_says_which_step_writes_it(tmp_path):
    archive = make_archive(tmp_path / "demo", shown(4))
    archive.paths.crop_table.unlink()
    with pytest.raises(FieldmarkError, match=r"crop table not found.*crop_detections"):
        run(archive)


def test_crops_of_another_dataset_are_refused(tmp_path):
    archive = make_archive(tmp_path / "demo", shown(4))
    other = make_archive(tmp_path / "other", shown(4), first=500)
    with pytest.raises(FieldmarkError, match="belong to no annotation of --cct-json"):
        run(archive, crops_dir=other.paths.crops)
    write_csv(other.paths.crop_table, pd.read_csv(archive.paths.crop_table), CropTable)
    with pytest.raises(FieldmarkError, match="crops of another dataset"):
        run(archive, crops_dir=other.paths.crops)


def test_the_command_line_prints_errors_without_a_traceback(tmp_path, root: Path):
    script = root / "utils" / "create_classification_dataset.py"
    done = subprocess.run(
        [sys.executable, script, tmp_path, "--mode", "splits"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: classification table not found")


def test_real_night_frames_are_split_by_camera(tmp_path, real_data: Path):
    """Genuine annotations of 117 cameras, with made-up crops."""
    cct = real_data / "caltech_night" / "caltech_night_cct.json"
    record = json.loads(cct.read_text())
    place = {image["id"]: image for image in record["images"]}
    names = {c["id"]: c["name"] for c in record["categories"]}
    images = [place[a["image_id"]] for a in record["annotations"]]
    rows = [
        (i["location"], names[a["category_id"]])
        for i, a in zip(images, record["annotations"], strict=True)
    ]
    archive = make_archive(tmp_path / "night", rows)
    run(archive, min_class_crops=20, min_class_locs=3, near_duplicates=False)
    report = json.loads(archive.paths.split_report.read_text())
    assert report["score"] < 0.05
    assert report["guarantees"]["unmet"] == []


def test_an_archive_that_nobody_labelled_is_split_by_camera_for_classes_to_come(tmp_path, capsys):
    rows = [(f"cam{i:02d}", "unlabelled") for i in range(20) for _ in range(4)]
    archive = make_archive(tmp_path / "demo", rows)
    with pytest.raises(FieldmarkError, match="--classes deer fox"):
        run(archive)
    run(archive, classes=["red  fox", "deer"])
    paths = archive.paths
    assert json.loads(paths.label_index.read_text()) == {"0": "deer", "1": "red fox"}
    assert "80 crops, 2 classes, 20 groups" in capsys.readouterr().out
    splits = read_splits(paths.splits)
    assert {name: len(groups) for name, groups in splits.items()} == {
        "train": 14, "val": 3, "test": 3,
    }  # fmt: skip
    before = contents(paths.root)
    run(archive, mode=["splits", "cct"])  # the classes are remembered
    assert contents(paths.root) == before


def test_classes_to_come_stand_beside_those_with_labels(tmp_path):
    archive = make_archive(tmp_path / "demo", [*shown(10), ("cam98", "unlabelled")])
    run(archive, classes=["wolf", "deer"])
    names = json.loads(archive.paths.label_index.read_text())
    assert list(names.values()) == ["cat", "deer", "fox", "wolf"]


@pytest.mark.parametrize(
    ("classes", "words"), [(["Deer", "elk"], "Deer and deer are one class"), ([" "], "blank")]
)
def test_classes_to_come_that_cannot_be_told_apart(tmp_path, classes, words):
    archive = make_archive(tmp_path / "demo", shown(10))
    with pytest.raises(FieldmarkError, match=words):
        run(archive, classes=classes)
