"""Recognition JSON as Timelapse and MegaDetector's tools read it."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.recognition import WHOLE, Box, boxes_of, relative_box, write_recognitions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("whole", WHOLE),
        ("[36.0, 74.0, 180.0, 140.0] of 360 x 280", (0.1, 0.26429, 0.5, 0.5)),
        ("[72, 74, 36, 28]", (0.1, 0.132140, 0.05, 0.05)),
        ("[0.1, 0.2, 0.3, 0.4] of the image", (0.1, 0.2, 0.3, 0.4)),
        ("[-10.0, 0.0, 1e2, 300.0] of 360 x 280", (0.0, 0.0, 0.25, 1.0)),
        ("something else", WHOLE),
    ],
)
def test_boxes_as_the_crop_table_writes_them(text, expected):
    assert relative_box(text, 720, 560) == pytest.approx(expected, abs=1e-5)


@given(*[st.floats(-2000, 2000)] * 2, *[st.floats(0, 3000)] * 2)
def test_a_box_never_leaves_its_image(x, y, w, h):
    left, top, width, height = relative_box(f"[{x}, {y}, {w}, {h}] of 640 x 480", 1, 1)
    assert 0 <= left <= left + width <= 1 + 1e-4
    assert 0 <= top <= top + height <= 1 + 1e-4


def write(path, boxes, probs, classes, **more):
    write_recognitions(
        path, boxes, np.array(probs, np.float32), classes=classes, classifier="m", **more
    )
    return json.loads(path.read_text())


def test_boxes_of_one_image_are_together_and_classes_descend(tmp_path):
    boxes = [Box(file="b/2.jpg", bbox=WHOLE, confidence=1.0),
             Box(file="a/1.jpg", bbox=(0.1, 0.2, 0.3, 0.4), confidence=0.87654),
             Box(file="b/2.jpg", bbox=(0.5, 0.5, 0.5, 0.5), confidence=0.5)]  # fmt: skip
    probs = [[0.2, 0.8], [0.9999, 0.0001], [0.5, 0.5]]
    failures = {"c.jpg": "Failure image access: truncated"}
    value = write(tmp_path / "r.json", boxes, probs, ["fox", "élan"], failures=failures)
    assert value["info"]["format_version"] == "1.6"
    assert value["classification_categories"] == {"1": "fox", "2": "élan"}
    assert [image["file"] for image in value["images"]] == ["a/1.jpg", "b/2.jpg", "c.jpg"]
    one, two, failed = value["images"]
    assert one["detections"] == [
        {
            "category": "1",
            "conf": 0.8765,
            "bbox": [0.1, 0.2, 0.3, 0.4],
            "classifications": [["1", 0.9999]],
        }
    ]
    assert two["detections"][0]["classifications"] == [["2", 0.8], ["1", 0.2]]
    assert len(two["detections"]) == 2
    assert failed == {
        "file": "c.jpg",
        "failure": "Failure image access: truncated",
        "detections": None,
    }


def test_a_class_called_like_a_detection_is_not_the_first(tmp_path):
    value = write(tmp_path / "r.json", [], np.zeros((0, 3)), ["animal", "fox", "person"])
    assert value["classification_categories"] == {"1": "fox", "2": "animal", "3": "person"}
    assert value["images"] == []


def test_crops_find_their_frame_and_box():
    crops = pd.DataFrame(
        {
            "path": ["f.jpg___crop_1.jpg", None, "f.jpg___crop_2.jpg"],
            "source": ["f.jpg", "x.jpg", "f.jpg"],
            "source_width": [100.0, None, 100.0],
            "source_height": [50.0, None, 50.0],
            "box": ["[10, 10, 20, 20]", "whole", "whole"],
        }
    )
    items = ["f.jpg___crop_2.jpg", "f.jpg___crop_1.jpg", "gone.jpg"]
    assert boxes_of(items, crops, [1.0, 0.5, 0.9]) == [
        Box(file="f.jpg", bbox=WHOLE, confidence=1.0),
        Box(file="f.jpg", bbox=(0.1, 0.2, 0.2, 0.4), confidence=0.5),
        Box(file="gone.jpg", bbox=WHOLE, confidence=0.9),
    ]
