from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from classification.data.crop_render import (
    BoxError,
    Recipe,
    place,
    render,
    rows_needed,
    shrink_factor,
)

RECIPE = Recipe(strategy="square", max_size=50, min_size=4, quality=90, keep_truncated=False)
_number = st.integers(-30, 130) | st.floats(-30, 130) | st.just(float("nan"))


def rectangle(box: Any, **changes: Any) -> object:
    options: dict[str, Any] = {
        "relative": False, "width": 100, "height": 80, "declared": None, "recipe": RECIPE
    }  # fmt: skip
    try:
        return place(box, **(options | changes))
    except BoxError as error:
        return error.reason


@given(st.lists(_number, min_size=4, max_size=4))
def test_the_short_way_for_sound_boxes_is_the_long_way(box: list[float]) -> None:
    assert rectangle(box) == rectangle(tuple(box))  # a tuple is judged by the rules


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (None, (10, 10, 40, 40)),
        ((100.0, 80.0), (10, 10, 40, 40)),
        ((200.0, 160.0), (5, 5, 20, 20)),
        ((201.0, 160.0), (5, 5, 19, 19)),  # rounded when the copy was made
        ((80.0, 100.0), "size_mismatch"),
    ],
)
def test_size_that_the_dataset_declares(declared: Any, expected: object) -> None:
    assert rectangle([10, 10, 30, 30], declared=declared) == expected


@given(st.integers(1, 4000), st.integers(1, 1000))
def test_shrinking_never_costs_resolution(side: int, max_size: int) -> None:
    factor = shrink_factor([(0, 0, side, 1)], max_size)
    assert factor == 1 or side / factor >= max_size


@pytest.mark.parametrize("factor", [1, 2, 4])
@pytest.mark.parametrize("strategy", ["square", "pad"])
def test_shrunk_image_gives_nearly_the_same_crop(factor: int, strategy: str) -> None:
    ramp = np.add.outer(np.arange(600), np.arange(800)) * 255 / 1400
    image = Image.fromarray(np.stack([ramp] * 3, axis=-1).astype(np.uint8))
    recipe = Recipe(strategy=strategy, max_size=50, min_size=1, quality=90, keep_truncated=False)
    shrunk = image.resize((800 // factor, 600 // factor), Image.Resampling.BOX)
    crop = render(shrunk, (100, 100, 500, 300), 800, recipe)
    whole = render(image, (100, 100, 500, 300), 800, recipe)
    assert crop.size == whole.size == ((50, 50) if strategy == "pad" else (50, 25))
    assert np.abs(np.asarray(crop, float) - np.asarray(whole, float)).max() <= 3


@given(
    top=st.integers(0, 500),
    side=st.integers(20, 99),
    max_size=st.sampled_from([0, 10, 30]),
    factor=st.sampled_from([1, 2, 4]),
)
def test_rows_beyond_those_needed_do_not_matter(
    top: int, side: int, max_size: int, factor: int
) -> None:
    factor = min(factor, shrink_factor([(0, top, side, top + side)], max_size))
    pixels = np.random.default_rng(0).integers(0, 256, (640 // factor, 160 // factor, 3))
    image = Image.fromarray(pixels.astype(np.uint8))
    rectangle = (3, top, 3 + side, top + side)
    recipe = Recipe(
        strategy="square", max_size=max_size, min_size=1, quality=90, keep_truncated=False
    )
    rows = -(-rows_needed([rectangle], max_size) // factor)
    black = image.copy()
    black.paste((0, 0, 0), (0, rows, image.width, image.height)) if rows < image.height else None
    assert render(black, rectangle, 160, recipe) == render(image, rectangle, 160, recipe)
