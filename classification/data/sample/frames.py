"""One frame: the composed scene through lens, sensor and annotator."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification.data.sample.actors import Actor, cast
from classification.data.sample.banner import add_banner
from classification.data.sample.camera import Camera
from classification.data.sample.compose import Edges, compose
from classification.data.sample.lighting import (
    Light,
    choose_light,
    expose_day,
    expose_night,
    metered,
)
from classification.data.sample.noise import Field
from classification.data.sample.scenes import Scene
from classification.data.sample.schedule import Sequence

SEQUENCE_STREAM, FRAME_STREAM = 2, 3  # numbers of the random streams
JITTER = 0.02  # deviation of a drawn box's edge, of its size


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A finished frame, upright."""

    pixels: NDArray[np.uint8]
    """[H, W, 3]."""
    boxes: list[tuple[str, list[float]]]
    """Species and box: absolute pixels x, y, width, height."""


def shoot(seed: int, scene: Scene, sequence: Sequence) -> list[Frame]:
    """All frames of a burst."""
    rng = np.random.default_rng([seed, SEQUENCE_STREAM, sequence.location, sequence.index])
    light = choose_light(rng, sequence.start, scene.habitat)
    actors = [
        cast(rng, name, scene, frames=sequence.frames, interval=sequence.interval)
        for name in sequence.species
    ]
    if actors:
        nearest = min(actor.places[0].depth for actor in actors)
        light = metered(light, depth=nearest, camera=scene.camera)
    return [
        _frame(seed, scene, sequence, number, light, actors) for number in range(sequence.frames)
    ]


def _frame(
    seed: int, scene: Scene, sequence: Sequence, number: int, light: Light, actors: list[Actor]
) -> Frame:
    rng = np.random.default_rng([seed, FRAME_STREAM, sequence.location, sequence.index, number])
    layers = compose(rng, scene, light, actors, number)
    if light.night:
        exposed = expose_night(layers.colour, layers.depth, layers.green, light, scene)
        _shine(exposed, layers.eyes)
        exposed += _grain(rng, scene.camera.noise * 1.5, exposed.shape)
        pixels = np.repeat(_to_bytes(exposed)[..., None], 3, axis=2)
    else:
        exposed = expose_day(layers.colour, layers.depth, light, scene)
        exposed += _grain(rng, scene.camera.noise, layers.depth.shape)
        pixels = np.ascontiguousarray(np.moveaxis(_to_bytes(exposed), 0, -1))
    return Frame(
        pixels=add_banner(pixels, scene, sequence, number, night=light.night),
        boxes=[(name, _annotate(rng, box, scene.camera)) for name, box in layers.boxes],
    )


def _grain(rng: np.random.Generator, deviation: float, shape: tuple[int, ...]) -> Field:
    """Sensor noise, a little soft as in-camera filters leave it."""
    white = rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation)
    white[:, 1:] += 0.35 * white[:, :-1]
    white[1:] += 0.35 * white[:-1]
    return white


def _to_bytes(picture: Field) -> NDArray[np.uint8]:
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _shine(picture: Field, eyes: list[tuple[float, float, float]]) -> None:
    """The glow of eyes in the flash."""
    for column, row, radius in eyes:
        reach = int(3 * radius + 3)
        y0, x0 = max(0, int(row) - reach), max(0, int(column) - reach)
        window = picture[y0 : int(row) + reach + 1, x0 : int(column) + reach + 1]
        y = np.arange(window.shape[0], dtype=np.float32)[:, None] + y0 - row
        x = np.arange(window.shape[1], dtype=np.float32)[None, :] + x0 - column
        glow = np.exp(-(x * x + y * y) / (2 * max(radius, 0.6) ** 2))
        window += 0.9 * glow * (1 - np.clip(window, 0, 1))


def _annotate(rng: np.random.Generator, box: Edges, camera: Camera) -> list[float]:
    """The box a person would draw: nearly tight, inside the picture."""
    left, top, right, bottom = box
    wide, tall = (right - left) * JITTER, (bottom - top) * JITTER
    noise = rng.normal(0, 1, 4)
    x0 = float(np.clip(left - 0.5 + noise[0] * wide, 0, camera.width - 4))
    y0 = float(np.clip(top - 0.5 + noise[1] * tall, 0, camera.height - 4))
    x1 = float(np.clip(right + 0.5 + noise[2] * wide, x0 + 3, camera.width))
    y1 = float(np.clip(bottom + 0.5 + noise[3] * tall, y0 + 3, camera.height))
    x0, y0, x1, y1 = (round(4 * value) / 4 for value in (x0, y0, x1, y1))  # exact sums
    return [x0, y0, x1 - x0, y1 - y0]
