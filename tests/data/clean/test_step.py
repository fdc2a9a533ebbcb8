import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classification.data.clean.step import combine_datasets
from classification.data.options import CombineOptions
from classification.errors import FieldmarkError
from tests.data.clean.datasets import TIMES, Combined, Run, annotation, dataset, image


def test_broken_references_are_dropped_with_rows(combine: Run) -> None:
    images = [image("i"), image("i", file_name="other.jpg"), image("c", corrupt=True)]
    labels = [
        annotation("good", "i"),
        annotation("good", "i", 2),
        annotation("lost", "nowhere"),
        annotation("odd", "i", 99),
        annotation("on_corrupt", "c"),
    ]
    out = combine(dataset(images, labels))
    assert out.labels() == {"good": "deer"}
    assert out.reasons("image") == {"i": "duplicate_id", "c": "corrupt"}
    assert out.reasons() == {
        "good": "duplicate_id",
        "lost": "unknown_image",
        "odd": "unknown_category",
        "on_corrupt": "image_dropped",
    }


def test_images_that_nobody_annotated_are_kept_as_unlabelled(combine: Run) -> None:
    out = combine(dataset([image("i"), image("j")], [annotation("a", "i")]))
    assert out.labels() == {"a": "deer", "j_unlabelled": "unlabelled"}


def test_a_combined_dataset_keeps_its_datasets_when_it_is_combined_again(
    combine: Run, tmp_path: Path
) -> None:
    first = dataset([image("i", location=1)], [annotation("a", "i")], ["x", "Mule Deer"])
    second = dataset([image("j", location=2)], [annotation("b", "j", validated=False)])
    combine(first, second)
    path = tmp_path / "interim" / "both" / "both_clean_cct.json"
    third = dataset([image("k", location=3)], [annotation("c", "k")])
    out = combine(json.loads(path.read_text()), third, names=("old", "new"))
    assert out.cct.images["dataset"].tolist() == ["a", "b", "new"]
    assert out.cct.annotations["dataset_class"].tolist() == ["Mule Deer", "deer", "deer"]
    assert out.cct.annotations["changes"].fillna("").tolist() == ["", "unvalidated", ""]
    assert out.labels() == {"a": "mule_deer", "b": "unlabelled", "c": "deer"}


def test_bad_options_are_all_named(combine: Run) -> None:
    value = dataset([image("i")], [annotation("a", "i")])
    with pytest.raises(FieldmarkError) as error:
        combine(value, names=("a", "../b"), min_inside=2.0, duplicates="near")
    for words in (
        "2 names for 1 files",
        "'../b' cannot be part of a file name",
        "--min-inside 2",
        "near needs --images-dirs",
    ):
        assert words in str(error.value)
    with pytest.raises(FieldmarkError, match="neither --cct nor --md-results"):
        combine()


def test_a_run_can_be_repeated_on_its_own_result(combine: Run, tmp_path: Path) -> None:
    images = [image(n, location=1, datetime=TIMES[0]) for n in "ij"]
    labels = [annotation("a", "i", bbox=[-5, 10, 20, 20]), annotation("b", "j", 0)]
    once = combine(dataset(images, labels))
    path = tmp_path / "interim" / "both" / "both_clean_cct.json"
    twice = combine(json.loads(path.read_text()), names=("a",))
    assert twice.labels() == once.labels()
    assert twice.boxes() == once.boxes()
    assert twice.dropped.empty


_box = st.none() | st.lists(
    st.sampled_from([-20, -1, 0, 0.2, 0.9, 5, 30, 60, 95, 200, float("nan")]),
    min_size=3,
    max_size=4,
)


@st.composite
def messy_datasets(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from("ijklm"), min_size=1, max_size=6))
    images = [
        {
            "id": name,
            "file_name": draw(st.sampled_from(["x.jpg", f"{name}.jpg"])),
            "location": draw(st.sampled_from([None, 1, "1", " A", "a"])),
            "datetime": draw(st.sampled_from([None, *TIMES])),
            "width": draw(st.sampled_from([None, 100])),
            "height": 80,
            "corrupt": draw(st.sampled_from([None, False, True])),
        }
        for name in names
    ]
    labels = [
        annotation(
            f"n{draw(st.integers(0, 9))}",
            draw(st.sampled_from("ijklmz")),
            draw(st.integers(0, 4)),
            bbox=draw(_box),
            bbox_relative=draw(_box),
            validated=draw(st.sampled_from([None, True, False])),
            sequence_level_annotation=draw(st.sampled_from([None, True, False])),
        )
        for _ in range(draw(st.integers(0, 10)))
    ]
    return dataset(images, labels)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(messy_datasets(), min_size=1, max_size=3))
def test_nothing_vanishes_without_a_row(combine: Run, values: list[dict[str, Any]]) -> None:
    try:
        out = combine(*values)
    except FieldmarkError as error:
        assert "no image is left" in str(error)  # noqa: PT017
        return
    rows = out.dropped["kind"].value_counts()
    images_in = sum(len(value["images"]) for value in values)
    annotations_in = sum(len(value["annotations"]) for value in values)
    added = out.cct.annotations["id"].str.contains("_unlabelled").sum()
    assert len(out.cct.images) + rows.get("image", 0) == images_in
    assert len(out.cct.annotations) - added + rows.get("annotation", 0) == annotations_in
    boxes = [box for box in out.boxes().values() if box is not None]
    assert all(np.isfinite(box).all() and box[2] > 0 and box[3] > 0 for box in boxes)
    assert out.cct.images["file_name"].is_unique


def test_real_datasets(real_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "interim" / "missouri"
    combine_datasets(
        CombineOptions(output_dir=out, cct=(real_data / "missouri" / "missouri_cct.json",))
    )
    missouri = Combined(out)
    # 55 boxes stand in the published file twice to five times
    assert set(missouri.dropped["reason"]) == {"duplicate_annotation"}
    assert len(missouri.dropped) == 55
    assert len(missouri.cct.images) == 651
    out = tmp_path / "interim" / "caltech"
    cct = real_data / "metadata" / "caltech_cis_val_cct.json"
    combine_datasets(CombineOptions(output_dir=out, cct=(cct,)))
    caltech = Combined(out)
    assert caltech.summary["locations"] == 10
    assert caltech.reasons("annotation").keys() >= set()
    assert set(caltech.dropped["reason"]) == {"whole_image", "no_annotation_left"}
    assert caltech.cct.categories["name"].tolist()[0] == "empty"
