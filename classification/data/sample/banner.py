"""The information strip that a camera burns into its pictures."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from classification.data.sample.habitats import Colour
from classification.data.sample.scenes import Scene
from classification.data.sample.schedule import Sequence

STYLES = (  # background, text, format of the time
    ((0, 0, 0), (235, 235, 235), "%Y-%m-%d  %H:%M:%S"),
    ((18, 18, 22), (250, 200, 70), "%d.%m.%Y  %H:%M:%S"),
    ((226, 226, 222), (20, 20, 24), "%m/%d/%Y  %I:%M:%S%p"),
)


@cache
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def add_banner(
    pixels: NDArray[np.uint8], scene: Scene, sequence: Sequence, frame: int, *, night: bool
) -> NDArray[np.uint8]:
    """The frame, uint8 [H, W, 3], with time, temperature and camera name in its lowest rows."""
    camera = scene.camera
    background, ink, layout = STYLES[camera.brand]
    height, width = camera.banner, camera.width
    strip = Image.new("RGB", (width, height), background)
    draw = ImageDraw.Draw(strip)
    font = _font(max(8, round(height * 0.72)))
    moment = sequence.time(frame)
    degrees = round(17 - 8 * np.cos(2 * np.pi * (moment.hour - 3) / 24) + moment.month % 5)
    middle = height / 2
    time = moment.strftime(layout)
    draw.text((3, middle), time, ink, font, anchor="lm")
    x = 3 + draw.textlength(time, font) + 0.6 * height
    room = width - 6 - x
    if room > draw.textlength(scene.name, font) + 0.8 * height:
        _sun_or_moon(draw, x, height, ink, background if night else ink)
    full = f"{degrees}°C  {scene.name}"
    right = full if room > draw.textlength(full, font) + height else scene.name
    draw.text((width - 3, middle), right, ink, font, anchor="rm")
    pixels[-height:] = np.asarray(strip)
    return pixels


def _sun_or_moon(
    draw: ImageDraw.ImageDraw, x: float, height: int, ink: Colour, bite: Colour
) -> None:
    """A disc; with a bite of the background it is a moon."""
    top, size = 0.25 * height, 0.5 * height
    draw.ellipse((x, top, x + size, top + size), ink)
    if bite != ink:
        draw.ellipse((x - 0.4 * size, top - 0.1 * size, x + 0.6 * size, top + 0.9 * size), bite)
