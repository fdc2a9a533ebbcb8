"""Images for the screen, by item number: the file itself where a browser can show it as it is."""

import base64
import threading
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal, get_args

from classification.app.items import Items
from classification.data.images import ImageError, OpenedImage, open_bytes, read_image_file

Kind = Literal["crop", "frame", "small"]
KINDS: tuple[str, ...] = get_args(Kind)
_LONGEST = {"crop": 1600, "frame": 1600, "small": 480}
"""Pixels of the longer side; what is larger is made smaller: 12 megapixels need 200 ms to decode
in the browser."""
_AS_IT_IS = {"crop": 1_000_000, "frame": 1_000_000, "small": 150_000}
"""Bytes up to which a file of a format that browsers show is sent unchanged."""
_SHOWN = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image as sent: its bytes and their MIME type."""

    data: bytes
    mime: str

    @property
    def url(self) -> str:
        """As a data URL, for notebooks, where no server of ours answers."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode()}"


class Pictures:
    """The images of a dataset; keeps those prepared last.

    Args:
        items: what there is; nothing else can be asked for.
        memory: bytes of prepared images that are kept.
    """

    def __init__(self, items: Items, *, memory: int = 1 << 27) -> None:
        self._items, self._memory = items, memory
        self._kept: OrderedDict[tuple[str, int], Picture] = OrderedDict()
        self._size, self._lock = 0, threading.Lock()

    def get(self, kind: Kind, number: int) -> Picture:
        """An image of an item.

        Raises:
            ImageError: no such item or image, or it cannot be read; with the reason.
        """
        key = (kind, number)
        with self._lock:
            if found := self._kept.get(key):
                self._kept.move_to_end(key)
                return found
        made = _prepare(self._path(kind, number), kind)
        with self._lock:
            if key not in self._kept:
                self._size += len(made.data)
            self._kept[key] = made
            while self._size > self._memory and len(self._kept) > 1:
                self._size -= len(self._kept.popitem(last=False)[1].data)
        return made

    def _path(self, kind: Kind, number: int) -> Path:
        if not 0 <= number < len(self._items):
            raise ImageError("missing", f"there is no item {number}")
        path = self._items.frame(number) if kind == "frame" else self._items.file(number)
        if path is None:
            raise ImageError("missing", f"there is no {kind} of item {number}")
        return path


def _prepare(path: Path, kind: Kind) -> Picture:
    data = read_image_file(path)
    opened = open_bytes(data)
    mime = _SHOWN.get(opened.file.format or "")
    longest = max(opened.width, opened.height)
    if mime and len(data) <= _AS_IT_IS[kind] and longest <= 2 * _LONGEST[kind]:
        return Picture(data=data, mime=mime)
    return _smaller(opened, _LONGEST[kind], longest)


def _smaller(opened: OpenedImage, wanted: int, longest: int) -> Picture:
    shrink = next((s for s in (8, 4, 2) if longest // s >= wanted), 1)
    image = opened.decode(shrink=shrink).image
    image.thumbnail((wanted, wanted))
    stream = BytesIO()
    image.save(stream, "JPEG", quality=88)
    return Picture(data=stream.getvalue(), mime="image/jpeg")
