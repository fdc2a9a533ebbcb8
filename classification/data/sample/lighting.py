"""Daylight and infrared flash: from a scene under neutral light to what a camera records."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy import ndimage

from classification.data.sample.camera import Camera
from classification.data.sample.habitats import Habitat
from classification.data.sample.noise import Field, fractal, smoothstep, stretched
from classification.data.sample.schedule import DAWN, DUSK, is_night
from classification.data.sample.sprites import Sprite


@dataclass(frozen=True, kw_only=True)
class Light:
    """The light during one burst."""

    night: bool
    level: float
    """Exposure."""
    colour: tuple[float, float, float]
    """Of daylight."""
    sun: tuple[float, float, float]
    """Unit vector towards the sun: right, up, towards the camera."""
    hard: float
    """0 overcast, 1 full sun."""
    fog: float
    """Share of light scattered per metre."""
    dapple: Field
    """Noise tile whose blotches are the shade of the canopy."""
    shift: tuple[int, int]


def choose_light(rng: np.random.Generator, moment: datetime, habitat: Habitat) -> Light:
    """The weather and the place of the sun at a moment."""
    hour = moment.hour + moment.minute / 60
    noon = np.sin(np.pi * np.clip((hour - DAWN) / (DUSK - DAWN), 0.04, 0.96))
    hard = float(np.clip(rng.normal(0.6, 0.35), 0, 1)) * noon**0.5
    low = (1 - noon) ** 2
    azimuth = np.pi * (hour - DAWN) / (DUSK - DAWN)
    sun = np.array([np.cos(azimuth), 0.35 + noon, 0.35])
    sun /= np.linalg.norm(sun)
    blue = (1 - hard) * 0.05
    return Light(
        night=is_night(moment),
        level=float(np.clip(rng.normal(1.0, 0.12), 0.7, 1.3) * (0.72 + 0.28 * noon**0.5)),
        colour=(1 + 0.12 * low - blue, 1 - 0.01 * low, 1 - 0.16 * low + blue),
        sun=(float(sun[0]), float(sun[1]), float(sun[2])),
        hard=hard,
        fog=float(rng.choice([0.004, 0.02, 0.06], p=[0.75, 0.17, 0.08])),
        dapple=fractal(rng, beta=2.2),
        shift=(int(rng.integers(256)), int(rng.integers(256))),
    )


def lit(sprite: Sprite, light: Light) -> Field:
    """Colour of an animal with its own shading, [h, w, 3]."""
    if light.night:  # the flash sits beside the lens: bright where the coat faces us
        return sprite.colour * (0.25 + 0.75 * sprite.normal[..., 2:])
    up = 0.5 + 0.5 * sprite.normal[..., 1]
    sunny = np.clip(sprite.normal @ np.array(light.sun, dtype=np.float32), 0, 1)
    shade = 0.45 + 0.4 * up + light.hard * (0.55 * sunny - 0.2)
    return (sprite.colour * shade[..., None]).astype(np.float32)


def expose_day(colour: Field, depth: Field, light: Light, camera: Camera, canopy: float) -> Field:
    """A daylight frame before noise, float32 [H, W, 3], 0..1."""
    shape = (camera.height, camera.width)
    blotches = stretched(light.dapple, shape, rows=1.6, columns=3.2, offset=light.shift)
    shaded = smoothstep(blotches + 2.4 * (canopy - 0.5), -0.25, 0.25) * light.hard
    sunlight = light.level * (1 + 0.18 * light.hard - 0.5 * shaded)
    picture = colour * (sunlight[..., None] * np.array(light.colour, dtype=np.float32))
    fog = 1 - np.exp(-light.fog * np.minimum(depth, 60))[..., None]
    picture += (0.8 * light.level - picture) * fog
    grey = picture.mean(axis=-1, keepdims=True)
    picture = grey + (picture - grey) * camera.saturation
    picture = 0.5 + (picture - 0.5) * camera.contrast
    picture *= np.array(camera.tint, dtype=np.float32) * camera.vignette_field()[..., None]
    return ndimage.gaussian_filter(picture, (camera.blur, camera.blur, 0))


def expose_night(colour: Field, depth: Field, green: Field, light: Light, camera: Camera) -> Field:
    """An infrared frame before noise, float32 [H, W], 0..1: bright near, black far."""
    x = np.arange(camera.width, dtype=np.float32)[None, :] / camera.width - camera.flash_centre[0]
    y = np.arange(camera.height, dtype=np.float32)[:, None] / camera.height
    spot = np.exp(-(x * x + 0.7 * (y - camera.flash_centre[1]) ** 2) / 0.16)
    reach = light.level * camera.flash / np.maximum(depth, 0.6)
    beam = np.minimum(reach**1.7, 6.0) * (0.12 + 0.88 * spot)
    reflected = colour @ np.array([0.45, 0.35, 0.2], dtype=np.float32) + 0.16 * green
    picture = 1 - np.exp(-1.15 * reflected * beam)
    picture = 0.015 + 0.95 * picture**0.85
    return ndimage.gaussian_filter(picture, camera.blur * 1.3)
