"""classification_ds.csv from crops, annotations and images."""

import pandas as pd
import pytest

from classification.data.cct import read_cct
from classification.data.labels import LabelRules
from classification.data.table import (
    BuiltTable,
    GroupBy,
    build_table,
    group_of,
    read_table,
    require_crops,
)
from classification.errors import FieldmarkError
from classification.schemas import ClassificationTable, CropTable, read_csv, write_csv
from tests.data.archive import Archive, make_archive, make_table

SHOWN = [("cam1", "fox"), ("cam1", "deer"), ("cam2", "fox"), (None, "fox")]


def build(archive: Archive, *, group_by: GroupBy = "location", **rules) -> BuiltTable:
    crops = read_csv(archive.paths.crop_table, CropTable, what="crop table")
    return build_table(
        read_cct(archive.cct), crops, dataset="demo", group_by=group_by, rules=LabelRules(**rules)
    )


def test_one_row_per_crop_with_everything_known_about_it(tmp_path):
    archive = make_archive(tmp_path / "demo", SHOWN)
    table = build(archive).table
    write_csv(archive.paths.table, table, ClassificationTable)
    row = read_table(archive.paths.table).iloc[1]
    assert row.drop("sha256").to_dict() == {
        "path": "cam1/0001.jpg___crop_a1.jpg",
        "dataset": "demo",
        "location": "cam1",
        "dataset_class": "deer",
        "confidence": 1.0,
        "label": "deer",
        "image_id": "i1",
        "annotation_id": "a1",
        "seq_id": "s1",
        "datetime": "2024-05-06 07:08:09",
        "group": "cam1",
    }
    assert (archive.paths.crops / row["path"]).is_file()


def test_detections_keep_their_confidence_until_a_person_confirms_them(tmp_path):
    fields = {
        0: {"confidence": 0.4},
        1: {"confidence": 0.4, "validated": True},
        2: {"confidence": 0.4, "validated": False},
    }
    archive = make_archive(tmp_path / "demo", SHOWN, annotation_fields=fields)
    assert build(archive).table["confidence"].tolist() == [0.4, 1.0, 0.4, 1.0]


def test_the_group_is_the_location_or_else_the_sequence_or_else_the_image(tmp_path):
    rows = [(None, "fox"), (None, "fox"), ("7", "fox")]
    archive = make_archive(tmp_path / "demo", rows, image_fields={1: {"seq_id": None}})
    assert build(archive).table["group"].tolist() == ["sequence:s0", "image:i1", "7"]
    assert build(archive, group_by="image").table["group"].tolist() == [
        "image:i0",
        "image:i1",
        "image:i2",
    ]
    table = make_table([("cam1", "fox")])
    assert group_of(table, "sequence").tolist() == ["sequence:s0"]


def test_images_keep_the_dataset_they_came_from(tmp_path):
    archive = make_archive(tmp_path / "demo", SHOWN, image_fields={2: {"dataset": "other"}})
    assert build(archive).table["dataset"].tolist() == ["demo", "demo", "other", "demo"]


def test_rejected_crops_are_counted_and_not_in_the_table(tmp_path):
    archive = make_archive(tmp_path / "demo", SHOWN)
    crops = pd.read_csv(archive.paths.crop_table)
    crops.loc[0, "status"] = "reject"
    write_csv(archive.paths.crop_table, crops, CropTable)
    built = build(archive)
    assert built.table["annotation_id"].tolist() == ["a1", "a2", "a3"]
    assert "1 annotations have no crop" in built.notes[0]


def test_the_same_picture_under_two_labels_is_pointed_out(tmp_path):
    archive = make_archive(tmp_path / "demo", SHOWN)
    crops = pd.read_csv(archive.paths.crop_table)
    crops["sha256"] = ["h", "h", "x", "y"]
    write_csv(archive.paths.crop_table, crops, CropTable)
    assert "1 pictures have more than one label" in build(archive).notes[-1]


def test_crops_of_another_dataset_are_refused(tmp_path):
    archive = make_archive(tmp_path / "one", SHOWN)
    other = make_archive(tmp_path / "other", SHOWN, first=100)
    mixed = Archive(paths=archive.paths, cct=other.cct)
    with pytest.raises(FieldmarkError, match=r"(?s)4 of 4 crops belong to no annotation.*0000"):
        build(mixed)


def test_nothing_but_rejects_is_refused(tmp_path):
    archive = make_archive(tmp_path / "demo", SHOWN)
    crops = pd.read_csv(archive.paths.crop_table).assign(status="reject")
    write_csv(archive.paths.crop_table, crops, CropTable)
    with pytest.raises(FieldmarkError, match="holds no crop"):
        build(archive)


def test_crops_that_are_not_there_are_counted_and_named(tmp_path):
    archive = make_archive(tmp_path / "demo", SHOWN)
    table = build(archive).table
    require_crops(table, archive.paths.crops)
    (archive.paths.crops / table["path"][2]).unlink()
    with pytest.raises(FieldmarkError, match=r"(?s)1 of 4 crops are not in.*again.*cam2/0002"):
        require_crops(table, archive.paths.crops)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FieldmarkError, match=r"(?s)4 of 4.*another dataset"):
        require_crops(table, tmp_path / "empty")
    with pytest.raises(FieldmarkError, match="crops folder not found"):
        require_crops(table, tmp_path / "nowhere")


def test_a_table_that_breaks_its_schema_is_refused_with_all_faults(tmp_path):
    path = tmp_path / "classification_ds.csv"
    make_table([("a", "x"), ("b", "x")], path=["1.jpg", "1.jpg"], confidence=[2, 1]).drop(
        columns="group"
    ).to_csv(path, index=False)
    with pytest.raises(FieldmarkError, match=r"(?s)'group' is missing.*path.*confidence"):
        read_table(path)


def test_ids_that_look_like_numbers_stay_text(tmp_path):
    path = tmp_path / "classification_ds.csv"
    table = make_table([("007", "NA"), ("1e5", "None")])
    write_csv(path, table, ClassificationTable)
    back = read_table(path)
    assert back["location"].tolist() == ["007", "1e5"]
    assert back["label"].tolist() == ["NA", "None"]
