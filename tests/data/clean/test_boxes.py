from typing import Any

import pytest

from classification.errors import FieldmarkError
from tests.data.clean.datasets import Run, annotation, dataset, image

BOXES = [
    ([10, 10, 20, 20], None, [10, 10, 20, 20]),
    ([-5, 10, 20, 20], None, [0, 10, 15, 20]),
    ([90, 60, 20, 20], None, [90, 60, 10, 20]),
    ([0.1, 0.5, 0.2, 0.25], None, [10, 40, 20, 20]),
    ([10, 10, 0, 20], "zero_area", None),
    ([10, 10, 20, -1], "negative", None),
    ([10, float("nan"), 20, 20], "nan", None),
    ([10, 10, 20], "nan", None),
    ("10 10 20 20", "nan", None),
    ([200, 10, 20, 20], "outside", None),
    ([95, 10, 20, 20], "mostly_outside", None),
    ([1, 1, 98, 78], "whole_image", None),
    ([1, 1, 98, 50], None, [1, 1, 98, 50]),
]


@pytest.mark.parametrize(("box", "reason", "result"), BOXES)
def test_box_rules(combine: Run, box: Any, reason: str | None, result: Any) -> None:
    good = annotation("good", "i", bbox=[5, 5, 30, 30])
    out = combine(dataset([image("i")], [good, annotation("a", "i", bbox=box)]))
    assert out.reasons().get("a") == reason
    assert out.boxes().get("a") == result
    assert out.boxes()["good"] == [5, 5, 30, 30]


def test_relative_boxes_become_absolute_where_the_size_is_known(combine: Run) -> None:
    share = {"bbox_relative": [0.1, 0.5, 0.2, 0.25]}
    images = [image("i"), {"id": "j", "file_name": "j.jpg"}]
    out = combine(dataset(images, [annotation("a", "i", **share), annotation("b", "j", **share)]))
    assert out.boxes() == {"a": [10, 40, 20, 20], "b": None}
    assert out.cct.annotations["bbox_relative"].tolist() == [None, [0.1, 0.5, 0.2, 0.25]]


def test_whole_image_box_can_leave_its_label_to_the_frame(combine: Run) -> None:
    value = dataset([image("i")], [annotation("a", "i", bbox=[0, 0, 100, 80])])
    assert combine(value, whole_image_boxes="frame").boxes() == {"a": None}
    assert combine(value, whole_image_boxes="keep").boxes() == {"a": [0, 0, 100, 80]}
    with pytest.raises(FieldmarkError, match="no image is left"):
        combine(value)
