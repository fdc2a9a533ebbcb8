import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from classification.data import images
from classification.data.images import ImageError, image_size, open_bytes, open_image


def scene(width: int = 120, height: int = 80) -> Image.Image:
    """Left third red, the rest noise, so that a turn and a missing half show."""
    pixels = np.random.default_rng(0).integers(60, 200, (height, width, 3), dtype=np.uint8)
    pixels[:, : width // 3] = (250, 10, 10)
    return Image.fromarray(pixels)


def jpeg(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def is_red(image: Image.Image, x: int, y: int) -> bool:
    red, green, _ = image.getpixel((x, y))  # type: ignore[misc]
    return red > 200 and green < 80


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(tmp_path: Path, orientation: int) -> None:
    turns = {t: n for n, t in images._UPRIGHT.items()}
    undo = {
        Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
        Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
    }
    stored = scene()
    for turn, number in turns.items():
        if number == orientation:
            stored = stored.transpose(undo.get(turn, turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.jpg"
    path.write_bytes(jpeg(stored, exif=exif))
    upright = open_image(path)
    assert upright.size == image_size(path) == (120, 80)
    assert is_red(upright, 10, 40)
    assert not is_red(upright, 100, 40)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "YCbCr"])
def test_every_kind_of_pixel_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("x.jpg" if mode in ("CMYK", "YCbCr") else "x.png")
    scene().convert(mode).save(path)
    assert open_image(path).mode == "RGB"


def test_palette_with_transparency_gives_no_warning(tmp_path: Path) -> None:
    image = scene().convert("P")
    image.save(tmp_path / "x.png", transparency=b"\x00\x80\xff")
    assert open_image(tmp_path / "x.png").mode == "RGB"


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_deep_grey_keeps_its_shades(tmp_path: Path, bits: int) -> None:
    ramp = np.linspace(0, 2**bits - 1, 256).astype(np.uint16)
    Image.fromarray(np.tile(ramp, (4, 1))).save(tmp_path / "deep.png")
    grey = np.asarray(open_image(tmp_path / "deep.png"))[0, :, 0]
    assert len(np.unique(grey)) > 200
    assert (np.diff(grey.astype(int)) >= 0).all()
    assert grey.max() >= 250


def test_float_image(tmp_path: Path) -> None:
    Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)).save(tmp_path / "f.tif")
    assert np.asarray(open_image(tmp_path / "f.tif")).max() == 255


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert is_red(open_image(tmp_path / "a.gif"), 5, 5)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_truncated_jpeg_is_refused_with_the_share_that_is_there(
    tmp_path: Path, share: float
) -> None:
    data = jpeg(scene(400, 400))
    path = tmp_path / "cut.jpg"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError) as error:
        open_image(path)
    assert error.value.reason == "truncated"
    decoded = int(error.value.detail.split("%")[0]) / 100
    assert decoded == pytest.approx(share, abs=0.1)


def test_truncated_jpeg_can_be_asked_for(tmp_path: Path) -> None:
    data = jpeg(scene(400, 400))
    opened = open_bytes(data[: len(data) // 2])
    image, share = opened.decode(keep_truncated=True)
    assert image.size == (400, 400)
    assert 0.4 < share < 0.6
    assert is_red(image, 10, 20)


def test_file_filled_with_zeros_is_truncated_and_not_grey(tmp_path: Path) -> None:
    data = jpeg(scene(400, 400))
    half = len(data) // 2
    path = tmp_path / "zeros.jpg"
    path.write_bytes(data[:half] + bytes(len(data) - half))
    with pytest.raises(ImageError, match="filled with zeros"):
        open_image(path)


def test_zeros_after_a_whole_image_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "padded.jpg"
    path.write_bytes(jpeg(scene()) + bytes(5000))
    assert open_image(path).size == (120, 80)


def test_truncated_png(tmp_path: Path) -> None:
    scene(400, 400).save(tmp_path / "x.png")
    data = (tmp_path / "x.png").read_bytes()
    (tmp_path / "x.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match="truncated"):
        open_image(tmp_path / "x.png")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "missing"), (b"", "unreadable"), (b"<html>404</html>", "unreadable")],
)
def test_no_image(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "x.jpg"
    if content is not None:
        path.write_bytes(content)
    for function in (open_image, image_size):
        with pytest.raises(ImageError) as error:
            function(path)
        assert error.value.reason == reason


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="unreadable"):
        open_image(tmp_path)


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    scene().save(tmp_path / "big.png")
    with pytest.raises(ImageError, match=r"too_large: 120 x 80"):
        open_image(tmp_path / "big.png")


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_jpeg_shrinks_while_it_is_decoded(factor: int) -> None:
    opened = open_bytes(jpeg(scene(400, 320)))
    assert opened.decode(shrink=factor).image.size == (400 // factor, 320 // factor)
    assert (opened.width, opened.height) == (400, 320)


@given(st.binary(max_size=300))
def test_no_bytes_crash(data: bytes) -> None:
    try:
        open_bytes(b"\xff\xd8\xff\xe0" + data).decode()
    except ImageError as error:
        assert error.reason in ("unreadable", "truncated", "too_large")  # noqa: PT017


@given(st.data())
def test_no_damage_crashes(data: st.DataObject) -> None:
    good = bytearray(jpeg(scene()))
    for _ in range(data.draw(st.integers(1, 20))):
        good[data.draw(st.integers(2, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert open_bytes(bytes(good)).decode().image.mode == "RGB"
    except ImageError as error:
        assert error.reason in ("unreadable", "truncated", "too_large")  # noqa: PT017


def test_awkward_real_images(real_data: Path) -> None:
    folder = real_data / "samples" / "speciesnet_test"
    reference = np.asarray(open_image(folder / "african_elephants.jpg"), dtype=float)
    for name in ("cmyk", "with_exif_orientation"):
        image = open_image(folder / f"african_elephants_{name}.jpg")
        assert image.size == (2048, 1536)
        assert np.abs(np.asarray(image, dtype=float) - reference).mean() < 30
    assert open_image(folder / "african_elephants_bw.jpg").mode == "RGB"
    with pytest.raises(ImageError, match=r"truncated: 86% of the rows"):
        open_image(folder / "african_elephants_truncated_file.jpg")


@given(
    rows=st.integers(1, 80),
    shrink=st.sampled_from([1, 2, 4, 8]),
    mode=st.sampled_from(["RGB", "L", "CMYK"]),
    progressive=st.booleans(),
    subsampling=st.integers(0, 2),
)
def test_the_rows_asked_for_are_those_of_the_whole_image(
    rows: int, shrink: int, mode: str, progressive: bool, subsampling: int
) -> None:
    options = {"progressive": progressive, "subsampling": subsampling if mode == "RGB" else -1}
    data = jpeg(scene().convert(mode), **options)
    whole = np.asarray(open_bytes(data).decode(shrink=shrink).image)
    top, share = open_bytes(data).decode(shrink=shrink, rows=rows)
    wanted = rows // shrink
    assert share == 1.0
    assert top.size == whole.shape[1::-1]
    np.testing.assert_array_equal(np.asarray(top)[:wanted], whole[:wanted])


def test_black_rows_are_not_taken_for_missing_ones() -> None:
    data = jpeg(Image.new("RGB", (120, 80)))
    assert open_bytes(data).decode(rows=40).share == 1.0


def test_a_truncated_image_is_refused_even_if_the_rows_asked_for_are_there() -> None:
    data = jpeg(scene(400, 400))
    with pytest.raises(ImageError, match="truncated"):
        open_bytes(data[: len(data) // 2]).decode(rows=20)


def test_rows_of_the_upright_image_are_asked_for() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    data = jpeg(scene(), exif=exif)
    whole = open_bytes(data).decode().image
    assert open_bytes(data).decode(rows=10).image.tobytes() == whole.tobytes()
