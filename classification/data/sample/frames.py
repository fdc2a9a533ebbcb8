"""One frame: animals into the scene, light, lens, sensor noise, information strip, boxes."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from classification.data.sample.actors import Actor, cast
from classification.data.sample.banner import add_banner
from classification.data.sample.camera import Camera
from classification.data.sample.lighting import (
    Light,
    choose_light,
    expose_day,
    expose_night,
    lit,
    metered,
)
from classification.data.sample.noise import Field
from classification.data.sample.scenes import Scene
from classification.data.sample.schedule import Sequence
from classification.data.sample.skeleton import build_figure
from classification.data.sample.sprites import Sprite, draw

SEQUENCE_STREAM, FRAME_STREAM = 2, 3  # numbers of the random streams
LEAST_VISIBLE = 30  # pixels of an animal in view for a person to notice it
NIGHT_EXPOSURE = 1 / 12  # seconds
JITTER = 0.02  # deviation of a drawn box's edge, of its size


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A finished frame, upright."""

    pixels: NDArray[np.uint8]
    """[H, W, 3]."""
    boxes: list[tuple[str, list[float]]]
    """Species and box: absolute pixels x, y, width, height."""


@dataclass(frozen=True, kw_only=True)
class _Layers:
    colour: Field
    depth: Field
    green: Field
    boxes: list[tuple[str, tuple[int, int, int, int]]]  # left, top, right, bottom
    eyes: list[tuple[float, float, float]]  # column, row, radius


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
    layers = _compose(rng, scene, light, actors, number)
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


def _compose(
    rng: np.random.Generator, scene: Scene, light: Light, actors: list[Actor], number: int
) -> _Layers:
    """Scene and animals, far ones first, each hidden by what stands nearer."""
    layers = _Layers(
        colour=scene.colour.copy(),
        depth=scene.depth.copy(),
        green=scene.green.copy(),
        boxes=[],
        eyes=[],
    )
    for actor in sorted(actors, key=lambda one: -one.places[number].depth):
        place = actor.places[number]
        camera = scene.camera
        pose = actor.pose_at(number, rng)
        scale = camera.pixels_per_metre(place.depth)
        row = camera.ground_row(place.depth, place.column)
        sprite = draw(
            build_figure(actor.build, actor.fur.coat, pose),
            actor.fur,
            pose,
            scale=scale,
            elevation=float(np.degrees(np.arctan2(0.7 * camera.mount, place.depth))),
        )
        sprite = _soften(sprite, scene.camera, light, actor, scale)
        if not light.night:
            _shadow(layers.colour, place.column, row, scale * actor.build.shoulder, actor, light)
        left, top = round(place.column) + sprite.left, round(row) + sprite.top
        _paste(layers, actor, sprite, light, left=left, top=top, depth=place.depth, camera=camera)
    return layers


def _soften(sprite: Sprite, camera: Camera, light: Light, actor: Actor, scale: float) -> Sprite:
    """Lens blur, and by night the smear of a moving animal."""
    smear = int(1 + light.night * actor.speed * scale * NIGHT_EXPOSURE)
    blurred = {}
    for name, values in (("alpha", sprite.alpha), ("colour", sprite.colour * sprite.alpha)):
        soft = ndimage.gaussian_filter(values, (0,) * (values.ndim - 2) + (camera.blur,) * 2)
        blurred[name] = ndimage.uniform_filter1d(soft, smear, axis=-1) if smear > 1 else soft
    blurred["colour"] /= np.maximum(blurred["alpha"], 1e-4)
    return replace(sprite, **blurred)


def _paste(
    layers: _Layers,
    actor: Actor,
    sprite: Sprite,
    light: Light,
    *,
    left: int,
    top: int,
    depth: float,
    camera: Camera,
) -> None:
    height, width = sprite.alpha.shape
    bottom_edge = camera.height - camera.banner
    rows = slice(max(0, top), max(0, min(bottom_edge, top + height)))
    columns = slice(max(0, left), max(0, min(camera.width, left + width)))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    inner = (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )
    behind = layers.depth[rows, columns] > depth - 0.7 * actor.build.shoulder
    alpha = sprite.alpha[inner] * behind
    if np.count_nonzero(alpha > 0.5) < LEAST_VISIBLE:
        return
    view = (rows, columns)
    plane = (slice(None), *view)
    layers.colour[plane] += (lit(sprite, light)[:, *inner] - layers.colour[plane]) * alpha
    layers.green[view] *= 1 - alpha
    layers.depth[view][alpha > 0.5] = depth
    ys, xs = np.nonzero(sprite.alpha[inner] > 0.4)
    box = (
        columns.start + int(xs.min()),
        rows.start + int(ys.min()),
        columns.start + int(xs.max()) + 1,
        rows.start + int(ys.max()) + 1,
    )
    layers.boxes.append((actor.species.name, box))
    for x, y in sprite.eyes:
        layers.eyes.append((left + x, top + y, sprite.eye_radius))


def _shadow(
    colour: Field, column: float, row: float, size: float, actor: Actor, light: Light
) -> None:
    """Darken the ground below an animal."""
    wide, flat = size * (0.35 + 0.5 * actor.build.body), size * 0.22
    shift = -light.sun[0] * size * 0.35 * light.hard
    y0, y1 = int(max(0, row - 2 * flat)), int(max(0, min(colour.shape[1], row + 2 * flat)))
    x0 = int(max(0, column + shift - 2 * wide))
    x1 = int(max(0, min(colour.shape[2], column + shift + 2 * wide)))
    y = (np.arange(y0, y1, dtype=np.float32)[:, None] - row) / flat
    x = (np.arange(x0, x1, dtype=np.float32)[None, :] - column - shift) / wide
    strength = 0.3 + 0.3 * light.hard
    colour[:, y0:y1, x0:x1] *= 1 - strength * np.exp(-(x * x + y * y) * 1.6)


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


def _annotate(
    rng: np.random.Generator, box: tuple[int, int, int, int], camera: Camera
) -> list[float]:
    """The box a person would draw: nearly tight, inside the picture."""
    left, top, right, bottom = box
    wide, tall = (right - left) * JITTER, (bottom - top) * JITTER
    noise = rng.normal(0, 1, 4)
    x0 = float(np.clip(left - 0.5 + noise[0] * wide, 0, camera.width - 4))
    y0 = float(np.clip(top - 0.5 + noise[1] * tall, 0, camera.height - 4))
    x1 = float(np.clip(right + 0.5 + noise[2] * wide, x0 + 3, camera.width))
    y1 = float(np.clip(bottom + 0.5 + noise[3] * tall, y0 + 3, camera.height))
    x0, y0, x1, y1 = (round(value, 2) for value in (x0, y0, x1, y1))
    return [x0, y0, round(x1 - x0, 2), round(y1 - y0, 2)]
