import logging
import shutil

import pandas as pd
import pytest

from classification.data.folders import Folders, load_folders
from classification.errors import FieldmarkError
from classification.paths.active_learning import FolderPaths
from tests.image_folders import add, make_layout


@pytest.fixture
def layout(tmp_path):
    return make_layout(tmp_path)


def load(layout, **changed):
    given = {"train": layout.train, "unlabelled": layout.unlabelled,
             "validation": layout.validation, "output": layout.files.root}  # fmt: skip
    return load_folders(Folders(**{**given, **changed}), layout.files.data, threads=1)


def test_folders_become_splits_and_labels(layout):
    data = load(layout)
    assert data.classes == ("cat", "deer", "fox")
    assert len(data) == 31
    assert len(data.rows("train")) == 22
    assert len(data.rows("train", labelled=True)) == 12
    assert len(data.rows("test", labelled=True)) == 9
    assert all((data.crops / path).is_file() for path in data.paths)
    assert len(data.shown) == 10


def test_new_images_come_last_and_the_identity_stays(layout):
    before = load(layout)
    add(layout.unlabelled / "a", "fox", 71)
    add(layout.train / "fox", "fox", 72)
    after = load(layout)
    assert after.paths[: len(before)] == before.paths
    assert sorted(p.rpartition("/")[2] for p in after.paths[31:]) == ["fox_71.jpg", "fox_72.jpg"]
    assert after.hashes == before.hashes


def test_a_changed_record_is_another_run(layout):
    before = load(layout)
    path = layout.files.data.table
    table = pd.read_csv(path)
    table.loc[table["label"].eq("deer").idxmax(), "label"] = "fox"
    table.to_csv(path, index=False)
    assert load(layout).hashes != before.hashes


def test_bad_images_and_images_tested_on_are_left_out_with_a_reason(layout, caplog):
    (layout.unlabelled / "half.jpg").write_bytes(
        next((layout.train / "cat").iterdir()).read_bytes()[:700]
    )
    (layout.unlabelled / "text.jpg").write_text("no image")
    (layout.unlabelled / "notes.txt").write_text("not looked at")
    shutil.copy(next((layout.validation / "fox").iterdir()), layout.unlabelled / "seen.jpg")
    with caplog.at_level(logging.WARNING):
        data = load(layout)
    assert len(data) == 31
    listed = layout.files.data.dropped.read_text().splitlines()[1:]
    reasons = {line.split(",")[1]: line.split(",")[3] for line in listed}
    assert reasons == {
        "half.jpg": "truncated", "text.jpg": "unreadable", "seen.jpg": "in_validation"
    }  # fmt: skip
    assert "3 images left out" in caplog.text


def test_an_image_that_is_whole_later_joins(layout):
    whole = add(layout.unlabelled, "fox", 80).read_bytes()
    (layout.unlabelled / "fox_80.jpg").write_bytes(whole[:300])  # still being copied
    assert len(load(layout)) == 31
    (layout.unlabelled / "fox_80.jpg").write_bytes(whole)
    assert len(load(layout)) == 32


def test_images_that_are_gone_are_named(layout):
    load(layout)
    gone = sorted((layout.unlabelled / "cam0").iterdir())[0]
    gone.unlink()
    with pytest.raises(FieldmarkError, match=f"(?s)1 images of this run are gone.*{gone.name}"):
        load(layout)


def test_the_whole_tree_may_move(layout, tmp_path_factory):
    before = load(layout)
    moved = tmp_path_factory.mktemp("elsewhere") / "moved"
    shutil.move(layout.root, moved)
    after = load(type(layout)(moved))
    assert after.paths == before.paths
    assert all((after.crops / path).is_file() for path in after.paths)


def test_a_copy_stands_on_its_own(layout, tmp_path_factory):
    before = load(layout)
    copy = type(layout)(tmp_path_factory.mktemp("elsewhere") / "copy")
    shutil.copytree(layout.root, copy.root)
    add(copy.unlabelled, "fox", 81)
    assert len(load(copy)) == len(before) + 1
    assert len(load(layout)) == len(before)


def test_another_folder_is_ignored_with_a_line(layout, tmp_path_factory, caplog):
    load(layout)
    other = make_layout(tmp_path_factory.mktemp("other"), pool=4)
    with caplog.at_level(logging.WARNING):
        assert len(load(layout, unlabelled=other.unlabelled)) == 31
    assert "unlabelled_data" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: shutil.rmtree(d.train), "train_data: no such folder"),
        (lambda d: add(d.validation / "wolf", "fox", 1), "validation_data has 'wolf'"),
        (lambda d: [shutil.rmtree(d.train / c) for c in ("cat", "deer")], "at least two"),
    ],
)
def test_folders_that_cannot_be_used(layout, change, message):
    change(layout)
    with pytest.raises(FieldmarkError, match=message):
        load(layout)


def test_folders_inside_one_another_are_refused(layout):
    with pytest.raises(FieldmarkError, match="lies in unlabelled_data"):
        load(layout, unlabelled=layout.root)


def test_the_output_folder_is_no_source_of_images(layout):
    inside = layout.unlabelled / "out"
    add(inside, "fox", 90)
    data = load_folders(
        Folders(train=layout.train, unlabelled=layout.unlabelled, validation=None, output=inside),
        FolderPaths(inside / "data"),
        threads=1,
    )
    assert len(data) == 22
