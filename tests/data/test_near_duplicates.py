"""Copies are found through re-encoding and resizing; different pictures are not confused."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from classification.data import near_duplicates
from classification.data.near_duplicates import clusters, crop_thumbnails, thumbnail
from classification.errors import FieldmarkError
from tests.data.archive import picture


def found(pictures: list[Image.Image]) -> list[str | None]:
    names = pd.Series([str(i) for i in range(len(pictures))], dtype="str")
    result = clusters(np.stack([thumbnail(p) for p in pictures]), names)
    return [None if pd.isna(v) else v for v in result]


def encoded(image: Image.Image, quality: int) -> Image.Image:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image,
        lambda image: encoded(image, 40),
        lambda image: image.resize((31, 31)),
        lambda image: ImageEnhance.Brightness(image).enhance(1.2),
        lambda image: image.convert("L"),
    ],
)
def test_a_copy_is_found(change):
    assert found([picture(1), picture(2), change(picture(1))]) == ["0", None, "0"]


def test_different_pictures_are_no_copies():
    assert found([picture(i) for i in range(40)]) == [None] * 40


def test_pictures_that_show_nothing_are_not_compared():
    black, grey = Image.new("RGB", (9, 9)), Image.new("RGB", (9, 9), (90, 90, 90))
    assert found([black, black, grey, grey]) == [None] * 4
    assert found([black]) == [None]


@settings(max_examples=15)
@given(order=st.permutations(range(6)))
def test_who_belongs_together_does_not_depend_on_the_order(order: list[int]):
    pictures = [picture(i // 2) for i in range(6)]
    names = pd.Series([f"{i}" for i in order], dtype="str")
    result = clusters(np.stack([thumbnail(pictures[i]) for i in order]), names)
    together = result.groupby([i // 2 for i in order]).nunique()
    assert result.notna().all()
    assert (together == 1).all()
    assert result.nunique() == 3


def test_many_pictures_are_searched_in_sorted_orders(monkeypatch: pytest.MonkeyPatch):
    """The search for large tables, at a size where its window is smaller than the table."""
    monkeypatch.setattr(near_duplicates, "_PAIRS_PER_ORDER", 1)
    pictures = [picture(i) for i in range(150)] + [encoded(picture(i), 60) for i in range(20)]
    result = found(pictures)
    assert sum(copy == str(i) for i, copy in enumerate(result[150:])) >= 18
    assert result[20:150] == [None] * 130


def test_only_new_crops_are_decoded_and_order_does_not_matter(tmp_path):
    for i in range(3):
        picture(i).save(tmp_path / f"{i}.png")
    table = pd.DataFrame({"path": ["0.png", "1.png"], "sha256": ["a", "b"]})
    cache = tmp_path / "thumbnails.npz"
    first = crop_thumbnails(table, tmp_path, cache)
    (tmp_path / "0.png").unlink()  # known by its hash: it need not be there
    more = pd.DataFrame({"path": ["2.png", "1.png", "0.png"], "sha256": ["c", "b", "a"]})
    second = crop_thumbnails(more, tmp_path, cache)
    assert (second[[2, 1]] == first).all()
    assert (second[0] == thumbnail(picture(2))).all()


def test_a_damaged_cache_is_made_anew(tmp_path):
    picture(0).save(tmp_path / "0.png")
    cache = tmp_path / "thumbnails.npz"
    cache.write_bytes(b"PK half a file")
    table = pd.DataFrame({"path": ["0.png"], "sha256": ["a"]})
    assert (crop_thumbnails(table, tmp_path, cache)[0] == thumbnail(picture(0))).all()
    assert (crop_thumbnails(table, tmp_path, cache)[0] == thumbnail(picture(0))).all()


def test_crops_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "0.jpg").write_bytes(b"no image")
    table = pd.DataFrame({"path": ["0.jpg"], "sha256": ["a"]})
    with pytest.raises(FieldmarkError, match=r"(?s)1 crops cannot be read.*0\.jpg"):
        crop_thumbnails(table, tmp_path, tmp_path / "cache.npz")
