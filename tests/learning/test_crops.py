"""Reading crops: what is said of one that cannot be read."""

import pytest

from classification.errors import FieldmarkError
from classification.learning.crops import CropReader
from classification.paths import crop_name


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        (crop_name("cam1/a.jpg", "17"), "utils/crop_detections.py again"),
        ("fox/a.jpg", "Put a whole copy of the file there"),  # an image folder
        ("../unlabelled/a.jpg", "Put a whole copy of the file there"),
    ],
)
@pytest.mark.parametrize("content", [None, b"no image"])
def test_what_to_do_about_a_broken_image_depends_on_who_made_it(tmp_path, name, remedy, content):
    path = tmp_path / "images" / name
    if content is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    reader = CropReader(tmp_path / "images", size=32)
    with pytest.raises(FieldmarkError, match=r"a(___crop_17)?\.jpg") as error:
        next(reader.batches([name], 1))
    assert remedy in str(error.value)
    assert ("crop_detections" in str(error.value)) == ("crop_detections" in remedy)
