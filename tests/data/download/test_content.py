import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from classification.data.download.content import fault, image_fault


def encoded(kind: str, **more: object) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((64, 48), 50).convert("RGB").save(stream, kind, **more)
    return stream.getvalue()


PHOTO = encoded("JPEG")
# A thumbnail in the EXIF block has an end marker of its own, as cameras write it.
THUMBNAIL = encoded("JPEG", quality=10)
BLOCK = b"Exif\0\0" + THUMBNAIL
WITH_THUMBNAIL = PHOTO[:2] + b"\xff\xe1" + (len(BLOCK) + 2).to_bytes(2, "big") + BLOCK + PHOTO[2:]


@pytest.mark.parametrize(
    "data",
    [
        PHOTO,
        WITH_THUMBNAIL,
        PHOTO + b"\0" * 5000,  # cameras pad
        PHOTO + THUMBNAIL,  # or append a preview
        encoded("JPEG", progressive=True),
        encoded("PNG"),
        encoded("GIF"),
        encoded("BMP"),
        encoded("TIFF"),
        encoded("WEBP"),
    ],
)
def test_whole_images_have_no_fault(data: bytes) -> None:
    assert image_fault(data) is None


@given(st.floats(0.01, 0.99))
@pytest.mark.parametrize(
    "data",
    [PHOTO, WITH_THUMBNAIL, encoded("PNG"), encoded("WEBP"), encoded("JPEG", progressive=True)],
)
def test_a_file_cut_anywhere_is_truncated(data: bytes, share: float) -> None:
    assert image_fault(data[: max(4, int(len(data) * share))]) == "truncated"


@given(st.binary(max_size=200))
def test_any_bytes_get_a_verdict(data: bytes) -> None:
    assert image_fault(data) in (None, "truncated", "not_image")
    assert image_fault(b"\xff\xd8" + data) in (None, "truncated")


def test_faults_of_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    assert fault(path, "a.jpg") == "empty"
    path.write_bytes(b"<html>not found</html>")
    assert fault(path, "a.JPG") == "not_image"
    assert fault(path, "clip.mp4") is None


def test_real_frames_are_whole_and_their_halves_are_not(real_data: Path) -> None:
    frames = sorted((real_data / "samples" / "caltech_full").rglob("*.jpg"))[:20]
    frames += sorted((real_data / "caltech_night" / "images").glob("*.jpg"))[:100]
    for frame in frames:
        data = frame.read_bytes()
        assert image_fault(data) is None, frame
        assert image_fault(data[: len(data) // 2]) == "truncated", frame
