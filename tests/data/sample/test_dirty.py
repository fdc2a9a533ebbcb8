"""Each fault that --dirty puts in is really there, and only there."""

import math
from pathlib import Path

import pytest
from PIL import Image

from tests.data.sample.conftest import Sample, make

KINDS = {
    "zero_box", "nan_box", "box_outside", "box_beyond_edge", "category_spelling",
    "integer_location", "no_size", "truncated_file", "missing_file", "duplicate_image",
}  # fmt: skip


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return make(tmp_path_factory.mktemp("dirty") / "wild", images=60, dirty=True)


@pytest.fixture(scope="module")
def faulty(dirty: Sample) -> dict[str, dict]:
    """The first record of each kind of fault."""
    rows = dirty.images | {one["id"]: one for one in dirty.cct["annotations"]}
    return {fault["kind"]: rows[fault["id"]] for fault in reversed(dirty.cct["info"]["faults"])}


def test_every_kind_of_fault_is_listed(faulty: dict[str, dict]) -> None:
    assert set(faulty) == KINDS


def test_boxes(dirty: Sample, faulty: dict[str, dict]) -> None:
    assert faulty["zero_box"]["bbox"][3] == 0
    assert math.isnan(faulty["nan_box"]["bbox"][0])
    image = dirty.images[faulty["box_outside"]["image_id"]]
    assert faulty["box_outside"]["bbox"][0] > image["width"]
    x, _, width, _ = faulty["box_beyond_edge"]["bbox"]
    assert x < dirty.images[faulty["box_beyond_edge"]["image_id"]]["width"] < x + width


def test_names(dirty: Sample, faulty: dict[str, dict]) -> None:
    names = {one["id"]: one["name"] for one in dirty.cct["categories"]}
    assert names[faulty["category_spelling"]["category_id"]] == " Fox "
    locations = {image["location"] for image in dirty.cct["images"]}
    assert {12, "12"} & locations
    assert faulty["integer_location"]["location"] == 12
    assert "width" not in faulty["no_size"]


def test_files(dirty: Sample, faulty: dict[str, dict]) -> None:
    images = dirty.root / "images"
    assert not (images / faulty["missing_file"]["file_name"]).exists()
    with (
        Image.open(images / faulty["truncated_file"]["file_name"]) as image,
        pytest.raises(OSError, match="truncated"),
    ):
        image.load()
    copy = faulty["duplicate_image"]
    original = dirty.images[copy["id"].removesuffix("_copy")]
    same = [(images / one["file_name"]).read_bytes() for one in (copy, original)]
    assert same[0] == same[1]


def test_no_image_has_two_faults(dirty: Sample) -> None:
    owner = {one["id"]: one["image_id"] for one in dirty.cct["annotations"]}
    hit = [
        owner.get(fault["id"], fault["id"])
        for fault in dirty.cct["info"]["faults"]
        if fault["kind"] != "integer_location"
    ]
    assert len(hit) == len(set(hit))


def test_a_second_dirty_run_leaves_the_faults_alone(
    dirty: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    make(dirty.root, images=60, dirty=True)
    assert "nothing to do" in capsys.readouterr().out
    missing = Path(dirty.root / "images") / dirty.cct["images"][0]["file_name"]
    assert missing.parent.is_dir()
