"""When a picture was taken, as the camera wrote it into the file."""

import re
from pathlib import Path

from PIL import ExifTags, Image

_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")


def camera_time(path: Path) -> str:
    """``2020-05-08 19:23:36`` by the camera's clock, from the head of the file; empty if unknown.

    A clock that was never set (year 0) says nothing.
    """
    try:
        with Image.open(path) as image:
            exif = image.getexif()
            told = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
            text = str(told or exif.get(ExifTags.Base.DateTime) or "")
    except Exception:  # Pillow's parsers raise anything; whether it is an image is asked elsewhere
        return ""
    found = _TIME.match(text)
    if found is None or found[1] == "0000":
        return ""
    return f"{found[1]}-{found[2]}-{found[3]} {found[4]}"
