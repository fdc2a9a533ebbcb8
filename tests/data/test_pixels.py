"""Pixels of every kind as RGB."""

import numpy as np
import pytest
from PIL import Image

from classification.data.pixels import to_rgb


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 4095]], dtype=np.uint16), [0, 255]),  # 12 bits in 16
        (np.array([[0, 200]], dtype=np.uint16), [0, 200]),  # 8 bits in 16 stay as they are
        (np.array([[0, 65_536]], dtype=np.int32), [0, 128]),
        (np.array([[0.0, 0.5]], dtype=np.float32), [0, 127]),
        (np.array([[np.nan, 48.0]], dtype=np.float32), [0, 255]),
        (np.array([[-3.0, 0.0]], dtype=np.float32), [0, 0]),
    ],
)
def test_deep_grey_keeps_its_contrast(values, expected):
    rgb = to_rgb(Image.fromarray(values))
    assert rgb.mode == "RGB"
    assert np.asarray(rgb)[0].tolist() == [[level] * 3 for level in expected]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_every_kind_becomes_rgb_of_the_same_size(mode):
    assert to_rgb(Image.new(mode, (3, 2))).mode == "RGB"
    assert to_rgb(Image.new(mode, (3, 2))).size == (3, 2)
