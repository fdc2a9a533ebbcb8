import io

import pytest
from PIL import Image

from classification.app.pictures import Pictures
from classification.data.images import ImageError


def decoded(picture):
    return Image.open(io.BytesIO(picture.data))


def test_a_file_that_browsers_show_is_sent_as_it_is(make_items):
    items = make_items(2)
    assert Pictures(items).get("crop", 1).data == items.file(1).read_bytes()


def test_large_images_become_smaller_and_odd_formats_jpeg(make_items, tmp_path):
    items = make_items(2)
    noise = Image.effect_noise((3000, 2000), 80).convert("RGB")
    noise.save(items.file(0), quality=95)
    Image.new("I;16", (50, 40)).save(items.file(1), "TIFF")
    pictures = Pictures(items)
    assert decoded(pictures.get("small", 0)).size == (480, 320)
    assert decoded(pictures.get("crop", 0)).size == (1600, 1067)
    assert pictures.get("crop", 1).mime == "image/jpeg"


def test_an_image_lying_on_its_side_is_shown_upright(make_items):
    items = make_items(1)
    image = Image.effect_noise((3000, 2000), 80).convert("RGB")
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(items.file(0), "JPEG", exif=exif, quality=95)
    assert decoded(Pictures(items).get("small", 0)).size == (320, 480)


def test_no_more_is_kept_than_allowed(make_items):
    items = make_items(12)
    pictures = Pictures(items, memory=2_000)
    for number in range(12):
        pictures.get("crop", number)
    assert pictures._size <= 2_000
    assert pictures.get("crop", 0).data == items.file(0).read_bytes()


@pytest.mark.parametrize(("kind", "number"), [("crop", 5), ("crop", -1), ("frame", 0)])
def test_what_is_not_there_has_a_reason(make_items, kind, number):
    items = make_items(1)
    if kind == "frame":
        items.frame(0).unlink()
    with pytest.raises(ImageError, match="missing"):
        Pictures(items).get(kind, number)
