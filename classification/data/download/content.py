"""Is an image file whole? Decided from its first and last bytes, without decoding it."""

import mmap
from pathlib import Path, PurePosixPath

_IMAGE_NAMES = {".jpg", ".jpeg", ".jpe", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp"}
_IMAGE_STARTS = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"RIFF")
_EOI = b"\xff\xd9"
_PNG_END = b"IEND\xaeB`\x82"
_SOS, _STANDALONE = 0xDA, {0x01, *range(0xD0, 0xD9)}

Buffer = bytes | mmap.mmap


def fault(path: Path, name: str) -> str | None:
    """Why `path` is not a whole file of the kind its `name` says: a code, or None.

    Codes: ``empty``, ``not_image`` (an error page, say), ``truncated``. Of files that are not
    named like images (videos) only ``empty`` is known.
    """
    if path.stat().st_size == 0:
        return "empty"
    if PurePosixPath(name).suffix.lower() not in _IMAGE_NAMES:
        return None
    with path.open("rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return image_fault(data)


def image_fault(data: Buffer) -> str | None:
    """The same for the bytes of an image, told by its first bytes and not by its name."""
    start = data[:4]
    if not start.startswith(_IMAGE_STARTS):
        return "not_image"
    if start.startswith(b"\xff\xd8"):
        return None if _jpeg_ends(data) else "truncated"
    if start.startswith(b"\x89PNG"):
        return None if data.rfind(_PNG_END) >= 0 else "truncated"
    if start == b"RIFF":  # WebP: the length of what follows byte 8, little-endian, padded to even
        return None if len(data) >= 8 + int.from_bytes(data[4:8], "little") else "truncated"
    return None


def _jpeg_ends(data: Buffer) -> bool:
    """Whether an end marker follows the first scan (ITU T.81, B.1.1).

    Segments before the scan are stepped over by their length, since an EXIF thumbnail holds an end
    marker of its own. Entropy-coded data never holds FF D9, and cameras may append bytes after it.
    """
    at, size = 2, len(data)
    while at + 4 <= size:
        marker = data[at + 1]
        if data[at] != 0xFF or marker == _SOS:  # decoders skip stray bytes between segments
            return data.rfind(_EOI, at) >= 0
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _STANDALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False
