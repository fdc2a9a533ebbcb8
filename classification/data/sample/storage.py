"""How a camera stores a frame: rotated as it hangs, JPEG, with EXIF."""

import io
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classification.data.sample.camera import (
    NO_ROTATION,
    TURNED_LEFT,
    TURNED_RIGHT,
    UPSIDE_DOWN,
    Camera,
)

EXIF_MAKE, EXIF_MODEL, EXIF_ORIENTATION, EXIF_TIME = 0x010F, 0x0110, 0x0112, 0x0132
QUARTER_TURNS = {NO_ROTATION: 0, UPSIDE_DOWN: 2, TURNED_RIGHT: 1, TURNED_LEFT: 3}


def rotated_for_storage(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Pixels as the sensor stored them, uint8 [h, w, 3]; EXIF `orientation` turns them back."""
    return np.ascontiguousarray(np.rot90(upright, QUARTER_TURNS[orientation]))


def encode(upright: NDArray[np.uint8], camera: Camera, moment: datetime) -> bytes:
    """The JPEG file of an upright frame, uint8 [H, W, 3]."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = camera.orientation
    exif[EXIF_MAKE], exif[EXIF_MODEL] = "Fieldmark", f"Sample {camera.brand + 1}"
    exif[EXIF_TIME] = moment.strftime("%Y:%m:%d %H:%M:%S")
    buffer = io.BytesIO()
    stored = Image.fromarray(rotated_for_storage(upright, camera.orientation))
    stored.save(buffer, "JPEG", quality=camera.quality, exif=exif)
    return buffer.getvalue()
