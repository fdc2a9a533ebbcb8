"""Opening images: always RGB, always upright, and a reason code when that cannot be done.

Camera-trap archives hold half-written, rotated, grey, CMYK and 16-bit files. A cropper that lets
Pillow fill the missing half with grey teaches grey; one that ignores EXIF rotation crops the
wrong place. Both are decided here, once, for cropping, hashing and training alike.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, NamedTuple

from PIL import ExifTags, Image, ImageFile

from classification.data.pixels import to_rgb

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif"})
MAX_PIXELS = 300_000_000  # 0.9 GB as RGB; the largest panoramas of trail cameras have 40 M
Image.MAX_IMAGE_PIXELS = None  # checked below, as a reason code instead of a warning

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TURNED = (5, 6, 7, 8)  # orientations that swap width and height
_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"  # markers of a JPEG
_ZERO_TAIL = 64  # bytes; a file preallocated on a card and never filled ends in more


class ImageError(Exception):
    """An image that cannot be used.

    Args:
        reason: ``missing``, ``unreadable``, ``truncated`` or ``too_large``.
        detail: for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Decoded(NamedTuple):
    """Pixels of an image.

    image: RGB, upright, perhaps shrunk by the decoder.
    share: of the rows that the file really holds, from the top; below 1 only where a truncated
        image was asked for.
    """

    image: Image.Image
    share: float


@dataclass(frozen=True, kw_only=True)
class OpenedImage:
    """An image of which only the head has been read; it can be decoded once.

    width, height: pixels, upright. jpeg: the content, if it is a JPEG that holds its image's end.
    """

    width: int
    height: int
    orientation: int
    file: ImageFile.ImageFile
    jpeg: bytes | None = None

    def decode(
        self, *, shrink: int = 1, rows: int | None = None, keep_truncated: bool = False
    ) -> Decoded:
        """Decode the pixels; of an animation the first frame.

        Args:
            shrink: 1, 2, 4 or 8: a JPEG is shrunk by this while it is decoded, which is two to
                four times faster; other formats come in full size.
            rows: of the full image, from the top, that are needed; the others may stay black. A
                complete upright JPEG is decoded no further. None: all.
            keep_truncated: return what a truncated upright image holds instead of refusing it.

        Raises:
            ImageError: the pixels cannot be decoded.
        """
        turn = _UPRIGHT.get(self.orientation)
        if shrink > 1:
            self.file.draft(None, (self.file.width // shrink, self.file.height // shrink))
        if rows is not None and rows < self.height and turn is None and self.jpeg is not None:
            if _load_top(self.file, -(-rows * self.file.height // self.height)):
                return Decoded(_rgb(self.file), 1.0)
            return open_bytes(self.jpeg).decode(shrink=shrink, keep_truncated=keep_truncated)
        share = _load(self.file, keep_truncated=keep_truncated and turn is None)
        rgb = _rgb(self.file)
        return Decoded(rgb if turn is None else rgb.transpose(turn), share)


def open_image(path: Path) -> Image.Image:
    """The image as RGB, upright.

    Raises:
        ImageError: it is missing, not an image, truncated or too large.
    """
    return open_bytes(read_image_file(path)).decode().image


def read_image_file(path: Path) -> bytes:
    """The bytes of an image file.

    Raises:
        ImageError: it is missing, empty or cannot be read.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ImageError("missing", "no such file") from None
    except OSError as error:
        raise ImageError("unreadable", error.strerror or str(error)) from error
    if not data:
        raise ImageError("unreadable", "the file is empty")
    return data


def open_bytes(data: bytes) -> OpenedImage:
    """Open the content of an image file without decoding it.

    Raises:
        ImageError: not an image, its end was never written, or above `MAX_PIXELS`.
    """
    opened = _open(io.BytesIO(data))
    if opened.file.format not in ("JPEG", "MPO"):
        return opened
    end = data.rfind(_END_OF_IMAGE)
    complete = end >= 0 and data.find(_START_OF_SCAN, end) < 0
    if not complete and not data[-_ZERO_TAIL:].strip(b"\0"):
        # libjpeg would paint the tail grey without a word
        raise ImageError("truncated", "the end of the file is filled with zeros")
    return replace(opened, jpeg=data) if complete else opened


def image_size(path: Path) -> tuple[int, int]:
    """Upright width and height in pixels, from the head of the file alone.

    Raises:
        ImageError: it is missing, not an image or too large.
    """
    try:
        with path.open("rb") as f:
            opened = _open(f)
            return opened.width, opened.height
    except (FileNotFoundError, NotADirectoryError):
        raise ImageError("missing", "no such file") from None
    except OSError as error:
        raise ImageError("unreadable", error.strerror or str(error)) from error


def _open(stream: IO[bytes]) -> OpenedImage:
    try:
        image = Image.open(stream)
    except Image.UnidentifiedImageError:
        raise ImageError("unreadable", "not an image, or of an unknown kind") from None
    except Exception as error:  # Pillow's parsers raise anything from SyntaxError to struct.error
        raise ImageError("unreadable", str(error) or type(error).__name__) from error
    if image.width * image.height > MAX_PIXELS:
        raise ImageError("too_large", f"{image.width} x {image.height} pixels")
    orientation = _orientation(image)
    turned = orientation in _TURNED
    return OpenedImage(
        width=image.height if turned else image.width,
        height=image.width if turned else image.height,
        orientation=orientation,
        file=image,
    )


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # broken EXIF blocks are common and say nothing about the pixels
        return 1


def _load_top(image: ImageFile.ImageFile, rows: int) -> bool:
    """Decode only so many rows of a JPEG; False: unknown whether they are there, open it again.

    A tile that ends early makes Pillow stop reading there. libjpeg then complains that rows are
    left, which `load` passes on as an error after those that were asked for have arrived.
    """
    image.tile = [image.tile[0]._replace(extents=(0, 0, image.width, rows))]
    try:
        image.load()
    except OSError:
        return image.im.crop((0, rows - 1, image.width, rows)).getbbox() is not None
    except Exception:  # `decode` meets it again and names it
        return False
    return False


def _load(image: ImageFile.ImageFile, *, keep_truncated: bool) -> float:
    """Decode in place; the share of rows that the file held."""
    try:
        image.load()
    except MemoryError:
        raise ImageError("too_large", f"{image.width} x {image.height} pixels") from None
    except Exception as error:
        decoded = _decoded_share(image)
        detail = f"{decoded:.0%} of the rows decoded ({error})"
        if "truncated" not in str(error):
            raise ImageError("unreadable", detail) from error
        if not keep_truncated:
            raise ImageError("truncated", detail) from error
        image.tile = []  # what is decoded is all there is
        return decoded
    return 1.0


def _decoded_share(image: Image.Image) -> float:
    """Rows above the first that the decoder never reached; those are still zero."""
    try:
        box = image.im.getbbox()
    except Exception:  # the decoder had not begun
        return 0.0
    return box[3] / image.height if box else 0.0


def _rgb(image: Image.Image) -> Image.Image:
    try:
        return to_rgb(image)
    except ValueError as error:
        raise ImageError("unreadable", f"pixels of kind {image.mode}: {error}") from error
