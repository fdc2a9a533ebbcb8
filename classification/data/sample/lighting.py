"""Daylight and infrared flash: from a scene under neutral light to what a camera records."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from classification.data.sample.camera import Camera
from classification.data.sample.habitats import Habitat
from classification.data.sample.noise import Field, smoothstep, stretched
from classification.data.sample.scenes import Scene
from classification.data.sample.schedule import DAWN, DUSK, is_night
from classification.data.sample.sprites import Sprite

FUR_IN_INFRARED = 1.45  # hair reflects near infrared better than its colour suggests


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
    shift: tuple[int, int]
    """Where in the noise the shade of the canopy begins."""


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
        shift=(int(rng.integers(256)), int(rng.integers(256))),
    )


def metered(light: Light, *, depth: float, camera: Camera) -> Light:
    """The light as the camera doses its flash for a subject at `depth` metres."""
    if not light.night:
        return light
    dose = float(np.clip(1.1 * depth / camera.flash, 0.25, 1.9))
    return replace(light, level=light.level * dose)


def lit(sprite: Sprite, light: Light) -> Field:
    """Colour of an animal with its own shading, [3, h, w]."""
    if light.night:  # the flash sits beside the lens: bright where the coat faces us
        return sprite.colour * (FUR_IN_INFRARED * (0.35 + 0.65 * sprite.normal[2]))
    up = 0.5 + 0.5 * sprite.normal[1]
    sun = np.array(light.sun, dtype=np.float32)
    sunny = np.clip(np.tensordot(sun, sprite.normal, axes=1), 0, 1)
    return sprite.colour * (0.45 + 0.4 * up + light.hard * (0.55 * sunny - 0.2))


def expose_day(colour: Field, depth: Field, light: Light, scene: Scene) -> Field:
    """A daylight frame before noise, float32 [3, H, W], 0..1."""
    camera = scene.camera
    blotches = stretched(scene.smooth, depth.shape, rows=1.6, columns=3.2, offset=light.shift)
    canopy = 2.4 * (scene.habitat.shade - 0.5)
    shaded = smoothstep(blotches + canopy, -0.5, 0.5) * light.hard
    sunlight = light.level * (1 + 0.16 * light.hard - 0.42 * shaded)
    clear = np.exp(-light.fog * np.minimum(depth, 60))
    picture = colour * _planes(light.colour)
    picture *= sunlight * clear
    picture += 0.8 * light.level * (1 - clear)
    grey = picture.sum(axis=0) * ((1 - camera.saturation) / 3)
    picture *= camera.saturation
    picture += grey - 0.5
    picture *= camera.contrast
    picture += 0.5
    picture *= _planes(camera.tint)
    picture *= scene.vignette
    return picture


def expose_night(colour: Field, depth: Field, green: Field, light: Light, scene: Scene) -> Field:
    """An infrared frame before noise, float32 [H, W], 0..1: bright near, black far."""
    reach = light.level * scene.camera.flash / np.maximum(depth, 0.5)
    beam = np.minimum(reach**1.25, 2.6) * scene.spot
    red, middle, blue = colour
    reflected = 0.45 * red + 0.35 * middle + 0.2 * blue + 0.16 * green
    picture = 1 - np.exp(-1.1 * reflected * beam)
    return (0.012 + 0.95 * picture**0.9) * scene.vignette


def _planes(values: tuple[float, float, float]) -> Field:
    return np.array(values, dtype=np.float32)[:, None, None]
