import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.data.cct import load_cct, read_cct, write_cct
from classification.errors import FieldmarkError


def dataset(**changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = {
        "info": {"version": "1"},
        "images": [
            {"id": "i1", "file_name": "a\\b.jpg", "location": 7, "date_captured": "2020-01-01"},
            {"id": 2, "file_name": "c.jpg", "width": 100, "height": 80, "location": " Cam 1 "},
        ],
        "annotations": [
            {"id": 1, "image_id": "i1", "category_id": 3, "bbox": [1, 2.5, 3, 4]},
            {"id": "x", "image_id": 2, "category_id": 0, "sequence_level_annotation": True},
        ],
        "categories": [{"id": 0, "name": "empty"}, {"id": 3, "name": "deer"}],
    }
    return value | changes


def save(folder: Path, value: Any) -> Path:
    path = folder / "set_cct.json"
    path.write_text(json.dumps(value))
    return path


def test_ids_and_locations_become_text_and_names_get_slashes(tmp_path: Path) -> None:
    cct = read_cct(save(tmp_path, dataset()))
    assert cct.images["id"].tolist() == ["i1", "2"]
    assert cct.images["location"].tolist() == ["7", " Cam 1 "]
    assert cct.images["file_name"].tolist() == ["a/b.jpg", "c.jpg"]
    assert cct.images["datetime"].tolist()[0] == "2020-01-01"
    assert cct.annotations["image_id"].tolist() == ["i1", "2"]
    assert cct.names.tolist() == ["deer", "empty"]


def test_missing_columns_are_there_and_empty(tmp_path: Path) -> None:
    cct = read_cct(save(tmp_path, dataset()))
    assert cct.images["seq_id"].isna().all()
    assert np.isnan(cct.images["width"].iloc[0])
    assert cct.annotations["bbox"].tolist() == [[1, 2.5, 3, 4], None]
    assert cct.annotations["validated"].isna().all()
    assert cct.annotations["sequence_level_annotation"].fillna(False).tolist() == [False, True]


def test_written_file_is_the_same_dataset_and_leaves_out_what_is_missing(tmp_path: Path) -> None:
    cct = read_cct(save(tmp_path, dataset()))
    write_cct(tmp_path / "out.json", cct)
    again = read_cct(tmp_path / "out.json")
    pd.testing.assert_frame_equal(cct.images, again.images)
    pd.testing.assert_frame_equal(cct.annotations, again.annotations)
    pd.testing.assert_frame_equal(cct.categories, again.categories)
    records = json.loads((tmp_path / "out.json").read_text())
    assert records["images"][1] == {
        "id": "2",
        "file_name": "c.jpg",
        "width": 100,
        "height": 80,
        "location": " Cam 1 ",
    }


def test_nan_in_the_file_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "nan_cct.json"
    path.write_text(
        json.dumps(dataset()).replace('"location": 7', '"location": NaN').replace("2.5", "NaN")
    )
    cct = read_cct(path)
    assert pd.isna(cct.images["location"].iloc[0])
    assert cct.annotations["bbox"].iloc[0] == [1, None, 3, 4]


def test_zipped_file_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set_cct.json.zip", "w") as archive:
        archive.writestr("set_cct.json", json.dumps(dataset()))
    assert len(read_cct(tmp_path / "set_cct.json.zip").images) == 2


def test_all_broken_references_are_in_one_error(tmp_path: Path) -> None:
    value = dataset()
    value["images"].append(value["images"][0])
    value["annotations"] += [
        {"id": 1, "image_id": "nowhere", "category_id": 3},
        {"id": 9, "image_id": "i1", "category_id": 44},
    ]
    path = save(tmp_path, value)
    with pytest.raises(FieldmarkError) as error:
        read_cct(path)
    for words in (
        "1 duplicate ids in images: 'i1'",
        "1 duplicate ids in annotations: '1'",
        "1 annotations whose image_id is not in images: 'nowhere'",
        "1 annotations whose category_id is not in categories: 44",
    ):
        assert words in str(error.value)
    assert len(load_cct(path).images) == 3  # the cleaning step reads it nevertheless


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": []}, "'images' is empty"),
        ({"annotations": None}, "'annotations' is not a list"),
        ({"images": [{"id": 1}]}, "1 images without 'file_name'"),
        ({"images": [{"id": 1, "file_name": "../up.jpg"}]}, "leave the folder"),
        ({"images": [{"id": 1, "file_name": "C:\\x.jpg"}]}, "leave the folder"),
        ({"categories": [{"id": "one", "name": "deer"}]}, "not a whole number: 'one'"),
        ({"detection_categories": {"1": "animal"}}, "--md-results"),
    ],
)
def test_files_that_cannot_be_used_say_why(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(FieldmarkError, match=words):
        load_cct(save(tmp_path, dataset(**change)))


def test_missing_key_names_what_the_file_has(tmp_path: Path) -> None:
    with pytest.raises(FieldmarkError, match=r"'annotations' is missing \(the file has images\)"):
        load_cct(save(tmp_path, {"images": [{"id": 1, "file_name": "x"}]}))


def test_not_json_and_not_there(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"images": [')
    with pytest.raises(FieldmarkError, match="not valid JSON"):
        read_cct(tmp_path / "broken.json")
    with pytest.raises(FieldmarkError, match="not found"):
        read_cct(tmp_path / "nothing.json")


def test_nan_box_is_not_written(tmp_path: Path) -> None:
    cct = read_cct(save(tmp_path, dataset()))
    cct.annotations.at[0, "bbox"] = [float("nan"), 1, 2, 3]
    with pytest.raises(FieldmarkError, match="not JSON"):
        write_cct(tmp_path / "out.json", cct)
    assert not (tmp_path / "out.json").exists()


def test_genuine_file_survives_a_round_trip(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "metadata" / "caltech_cis_val_cct.json"
    cct = read_cct(path)
    assert (len(cct.images), len(cct.annotations)) == (3484, 3582)
    assert cct.annotations["bbox"].notna().sum() == 1763
    assert cct.images["seq_id"].nunique() == 1421
    write_cct(tmp_path / "out.json", cct)
    before, after = json.loads(path.read_text()), json.loads((tmp_path / "out.json").read_text())
    assert [a.get("bbox") for a in before["annotations"]] == [
        a.get("bbox") for a in after["annotations"]
    ]


_ids = st.one_of(st.integers(0, 10**6), st.text("abcXYZ-_0", min_size=1, max_size=6))


@given(ids=st.lists(_ids, min_size=1, max_size=8, unique_by=str), data=st.data())
def test_any_sound_dataset_survives_a_round_trip(
    ids: list[int | str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    box = st.none() | st.lists(st.floats(-10, 1e4, allow_nan=False), min_size=4, max_size=4)
    value = dataset(
        images=[
            {"id": i, "file_name": f"{n}.jpg", "location": data.draw(st.none() | _ids)}
            for n, i in enumerate(ids)
        ],
        annotations=[
            {"id": n, "image_id": i, "category_id": 3, "bbox": data.draw(box)}
            for n, i in enumerate(ids)
        ],
    )
    folder = tmp_path_factory.mktemp("cct")
    cct = read_cct(save(folder, value))
    write_cct(folder / "out.json", cct)
    again = read_cct(folder / "out.json")
    pd.testing.assert_frame_equal(cct.images, again.images)
    assert cct.annotations["bbox"].tolist() == again.annotations["bbox"].tolist()
    assert cct.images["id"].tolist() == [str(i) for i in ids]
