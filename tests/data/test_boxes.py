import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.data.boxes import (
    as_boxes,
    box_faults,
    clip_boxes,
    from_relative,
    is_whole_image,
    square,
    tight,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("box", "fault"),
    [
        ([10, 10, 20, 20], ""),
        ([0, 0, 100, 80], ""),
        ([-5, 10, 20, 20], ""),
        ([90, 70, 15, 15], "mostly_outside"),
        ([NAN, 10, 20, 20], "nan"),
        ([10, 10, float("inf"), 20], "nan"),
        ([10, 10, 0, 20], "zero_area"),
        ([10, 10, -3, 20], "negative"),
        ([100, 10, 5, 5], "outside"),
        ([10, -30, 5, 20], "outside"),
        ([10, 10, 2, 3], "too_small"),
    ],
)
def test_faults(box: list[float], fault: str) -> None:
    found = box_faults(np.array([box]), 100, 80, min_size=4, min_inside=0.5)
    assert found.tolist() == [fault]


def test_unknown_image_size_leaves_out_the_checks_against_the_image() -> None:
    boxes = np.array([[5000.0, 10, 20, 20], [10, 10, 0, 5]])
    found = box_faults(boxes, np.array([NAN, NAN]), np.array([NAN, NAN]), min_size=4, min_inside=1)
    assert found.tolist() == ["", "zero_area"]


def test_no_boxes_have_no_faults() -> None:
    assert box_faults(as_boxes([]), 10, 10, min_size=1, min_inside=1).tolist() == []


@pytest.mark.parametrize("value", [None, [1, 2, 3], "1,2,3,4", [1, 2, "3", 4], [True, 1, 2, 3]])
def test_anything_but_four_numbers_is_nan(value: object) -> None:
    assert np.isnan(as_boxes([value, [1, 2, 3, 4]])[0]).all()


def test_relative_boxes_are_cut_to_whole_pixels() -> None:
    boxes = from_relative(np.array([[0.1, 0.21, 0.5, 0.333]]), 99, 80)
    assert boxes.tolist() == [[9, 16, 49, 26]]


def test_whole_image_needs_both_sides() -> None:
    boxes = np.array([[0, 0, 96, 77], [0, 0, 96, 70], [0, 0, 94, 80]])
    assert is_whole_image(boxes, 100, 80).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("box", "rectangle"),
    [
        ((40, 30, 20, 10), (40, 25, 60, 45)),  # inside: centred
        ((40, 30, 10, 21), (35, 30, 56, 51)),  # odd difference: half is cut, as the peers do
        ((0, 30, 10, 20), (0, 30, 20, 50)),  # left edge: shifted, not blackened
        ((90, 30, 10, 30), (70, 30, 100, 60)),  # right edge, where the peers leave black
        ((30, 70, 30, 10), (30, 50, 60, 80)),  # lower edge
        ((5, 20, 90, 40), (5, 0, 95, 80)),  # wider than the image is high: all of its height
    ],
)
def test_square(box: tuple[float, ...], rectangle: tuple[int, ...]) -> None:
    assert square(box, 100, 80) == rectangle  # type: ignore[arg-type]


def _peers_square(box: tuple[int, int, int, int], width: int, height: int) -> tuple[int, ...]:
    """MegaDetector's and animl-ml's rule for whole pixels."""
    x, y, w, h = box
    size = max(w, h)
    x = max(0, min(x - int((size - w) / 2), width - w))
    y = max(0, min(y - int((size - h) / 2), height - h))
    return x, y, x + min(width, size), y + min(height, size)


@st.composite
def boxes_in_images(draw: st.DrawFn) -> tuple[tuple[int, int, int, int], int, int]:
    width, height = draw(st.integers(8, 400)), draw(st.integers(8, 400))
    w, h = draw(st.integers(1, width)), draw(st.integers(1, height))
    x, y = draw(st.integers(0, width - w)), draw(st.integers(0, height - h))
    return (x, y, w, h), width, height


@given(boxes_in_images())
def test_square_holds_the_box_stays_inside_and_is_square_where_it_can(
    case: tuple[tuple[int, int, int, int], int, int],
) -> None:
    (x, y, w, h), width, height = case
    left, top, right, bottom = square((x, y, w, h), width, height)
    assert 0 <= left <= x < x + w <= right <= width
    assert 0 <= top <= y < y + h <= bottom <= height
    side = max(w, h)
    assert (right - left, bottom - top) == (min(side, width), min(side, height))


@given(boxes_in_images())
def test_inner_squares_are_the_peers_to_the_pixel(
    case: tuple[tuple[int, int, int, int], int, int],
) -> None:
    box, width, height = case
    left, top, right, bottom = _peers_square(box, width, height)
    if right <= width and bottom <= height:
        assert square(box, width, height) == (left, top, right, bottom)


@given(st.tuples(*[st.floats(-50, 150)] * 2, *[st.floats(0.01, 200)] * 2))
def test_tight_is_never_empty_and_inside(box: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = tight(box, 100, 80)
    assert 0 <= left < right <= 100
    assert 0 <= top < bottom <= 80


@given(st.lists(st.tuples(*[st.floats(-200, 200)] * 4), min_size=1, max_size=20))
def test_a_box_without_fault_lies_inside_after_clipping(rows: list[tuple[float, ...]]) -> None:
    boxes = np.array(rows)
    good = box_faults(boxes, 100, 80, min_size=0, min_inside=0.5) == ""
    clipped = clip_boxes(boxes, 100, 80)[good]
    assert (clipped[:, :2] >= 0).all()
    assert (clipped[:, 2:] > 0).all()
    assert (clipped[:, 0] + clipped[:, 2] <= 100 + 1e-9).all()
    assert (clipped[:, 1] + clipped[:, 3] <= 80 + 1e-9).all()
