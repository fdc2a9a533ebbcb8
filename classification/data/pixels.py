"""Pixels of any kind as RGB: grey of more than eight bits, palettes, CMYK."""

import numpy as np
from PIL import Image

_DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def to_rgb(image: Image.Image) -> Image.Image:
    """The image as RGB, decoded if it was not.

    Raises:
        ValueError: pixels of a kind that Pillow cannot convert.
    """
    if image.mode == "RGB":
        return image
    if image.mode in _DEEP_MODES:
        image = _to_eight_bits(image)
    if image.mode in ("P", "PA"):  # by way of RGBA, or Pillow warns about the transparency
        image = image.convert("RGBA")
    return image.convert("RGB")


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey, whose brighter values `convert` would clip to white.

    Integers lose as many low bits as the brightest pixel makes necessary; floats are scaled by
    the brightest pixel when it is above 1, or else by 255.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    top = max(float(values.max(initial=0.0)), 0.0)
    if image.mode == "F":
        scaled = values * (255.0 / max(top, 1.0))
    else:
        scaled = values / 2 ** max(int(top).bit_length() - 8, 0)
    return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))
