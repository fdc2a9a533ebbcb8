"""Small pictures for people: one at a time, or many on a sheet."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

SHEET_TILE = 152  # five tiles and their gaps make 800 px
_GAP = 8
_CAPTION = 18
_FRAME, _INK, _PAPER, _ABSENT = "#e3e8ed", "#1d2733", "#ffffff", "#5d6b7a"


def thumbnail(path: Path, *, size: int) -> Image.Image | None:
    """The image at `path`, RGB, at most `size` pixels each way; None where unreadable."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", (2 * size, 2 * size))  # a JPEG decodes at a fraction of its size
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    upright.thumbnail((size, size))
    return upright


def data_uri(image: Image.Image) -> str:
    """`image` as a JPEG in a ``data:`` address; about 5 kB at 160 x 160."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def contact_sheet(
    paths: Sequence[Path], captions: Sequence[str], *, columns: int = 5, tile: int = SHEET_TILE
) -> Image.Image:
    """Thumbnails in rows with a caption under each; what cannot be read is an empty frame.

    Raises:
        ValueError: not one caption per path, or nothing to show.
    """
    if len(paths) != len(captions) or not paths:
        raise ValueError(f"{len(paths)} images and {len(captions)} captions")
    columns = min(columns, len(paths))
    rows = -(-len(paths) // columns)
    step = tile + _GAP
    sheet = Image.new("RGB", (columns * step, rows * (step + _CAPTION) + _GAP), _PAPER)
    for place, (path, caption) in enumerate(zip(paths, captions, strict=True)):
        left = _GAP // 2 + (place % columns) * step
        top = _GAP + (place // columns) * (step + _CAPTION)
        _paste(sheet, thumbnail(path, size=tile), left, top, tile=tile)
        _write(sheet, caption, left, top + tile + 2, width=tile)
    return sheet


def _paste(
    sheet: Image.Image, image: Image.Image | None, left: int, top: int, *, tile: int
) -> None:
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((left, top, left + tile - 1, top + tile - 1), fill=_FRAME)
    if image is None:
        centre = (left + tile // 2, top + tile // 2)
        draw.text(centre, "not found", fill=_ABSENT, anchor="mm", font=_font())
        return
    sheet.paste(image, (left + (tile - image.width) // 2, top + (tile - image.height) // 2))


def _write(sheet: Image.Image, caption: str, left: int, top: int, *, width: int) -> None:
    draw, font, text = ImageDraw.Draw(sheet), _font(), caption
    while draw.textlength(text, font=font) > width and len(text) > 1:
        text = text.rstrip("…")[:-1] + "…"
    draw.text((left, top), text, fill=_INK, font=font)


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=12)
