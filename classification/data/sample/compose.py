"""Animals into a scene: shadows, blur, and hiding behind what stands nearer."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from classification.data.sample.actors import Actor
from classification.data.sample.lighting import Light, lit
from classification.data.sample.noise import Field
from classification.data.sample.routes import Place
from classification.data.sample.scenes import Scene
from classification.data.sample.skeleton import build_figure
from classification.data.sample.sprites import Sprite, draw

LEAST_VISIBLE = 30  # pixels of an animal in view for a person to notice it
NIGHT_EXPOSURE = 1 / 12  # seconds

Edges = tuple[int, int, int, int]  # left, top, right, bottom; pixels


@dataclass(frozen=True, kw_only=True)
class Layers:
    """A scene with animals in it, before the camera's own effects."""

    colour: Field
    """float32 [3, H, W]."""
    depth: Field
    """float32 [H, W], metres."""
    green: Field
    """float32 [H, W], leafiness."""
    boxes: list[tuple[str, Edges]]
    """Species and extent of each animal that can be seen."""
    eyes: list[tuple[float, float, float]]
    """Column, row and radius in pixels of eyes that face the camera."""


def compose(
    rng: np.random.Generator, scene: Scene, light: Light, actors: list[Actor], frame: int
) -> Layers:
    """Scene and animals, far ones first."""
    layers = Layers(
        colour=scene.colour.copy(),
        depth=scene.depth.copy(),
        green=scene.green.copy(),
        boxes=[],
        eyes=[],
    )
    for actor in sorted(actors, key=lambda one: -one.places[frame].depth):
        place = actor.places[frame]
        pose = actor.pose_at(frame, rng)
        scale = scene.camera.pixels_per_metre(place.depth)
        slant = np.degrees(np.arctan2(0.7 * scene.camera.mount, place.depth))
        figure = build_figure(actor.build, actor.fur.coat, pose)
        sprite = draw(figure, actor.fur, pose, scale=scale, elevation=float(slant))
        if not light.night:
            _shadow(layers, scene, light, actor, place)
        smear = actor.speed * scale * NIGHT_EXPOSURE if light.night else 0
        _paste(layers, scene, light, actor, place, _soften(sprite, scene.camera.blur, int(smear)))
    return layers


def _soften(sprite: Sprite, blur: float, smear: int) -> Sprite:
    """Lens blur of deviation `blur` and motion over `smear` pixels."""
    alpha = ndimage.gaussian_filter(sprite.alpha, blur)
    colour = ndimage.gaussian_filter(sprite.colour * sprite.alpha, (0, blur, blur))
    if smear > 0:
        alpha = ndimage.uniform_filter1d(alpha, smear + 1, axis=-1)
        colour = ndimage.uniform_filter1d(colour, smear + 1, axis=-1)
    return replace(sprite, alpha=alpha, colour=colour / np.maximum(alpha, 1e-4))


def _paste(
    layers: Layers, scene: Scene, light: Light, actor: Actor, place: Place, sprite: Sprite
) -> None:
    camera = scene.camera
    left = round(place.column) + sprite.left
    top = round(camera.ground_row(place.depth, place.column)) + sprite.top
    height, width = sprite.alpha.shape
    x0, x1 = max(0, left), min(camera.width, left + width)
    y0, y1 = max(0, top), min(camera.height - camera.banner, top + height)
    if x0 >= x1 or y0 >= y1:
        return
    view = (slice(y0, y1), slice(x0, x1))
    inner = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    free = layers.depth[view] > place.depth - 0.7 * actor.build.shoulder
    alpha = sprite.alpha[inner] * free
    if np.count_nonzero(alpha > 0.5) < LEAST_VISIBLE:
        return
    plane = (slice(None), *view)
    layers.colour[plane] += (lit(sprite, light)[:, *inner] - layers.colour[plane]) * alpha
    layers.green[view] *= 1 - alpha
    layers.depth[view][alpha > 0.5] = place.depth
    rows, columns = np.nonzero(sprite.alpha[inner] > 0.4)
    box = (
        x0 + int(columns.min()),
        y0 + int(rows.min()),
        x0 + int(columns.max()) + 1,
        y0 + int(rows.max()) + 1,
    )
    layers.boxes.append((actor.species.name, box))
    for x, y in sprite.eyes:
        row, column = int(y) + top - y0, int(x) + left - x0
        if 0 <= row < y1 - y0 and 0 <= column < x1 - x0 and free[row, column]:
            layers.eyes.append((left + x, top + y, sprite.eye_radius))


def _shadow(layers: Layers, scene: Scene, light: Light, actor: Actor, place: Place) -> None:
    """Darken the ground below an animal."""
    camera, build = scene.camera, actor.build
    row = camera.ground_row(place.depth, place.column)
    size = camera.pixels_per_metre(place.depth) * build.shoulder
    wide, flat = size * (0.35 + 0.5 * build.body), size * 0.22
    column = place.column - light.sun[0] * size * 0.35 * light.hard
    y0, y1 = int(max(0, row - 2 * flat)), int(max(0, min(camera.height, row + 2 * flat)))
    x0, x1 = int(max(0, column - 2 * wide)), int(max(0, min(camera.width, column + 2 * wide)))
    y = (np.arange(y0, y1, dtype=np.float32)[:, None] - row) / flat
    x = (np.arange(x0, x1, dtype=np.float32)[None, :] - column) / wide
    behind = layers.depth[y0:y1, x0:x1] > place.depth - build.shoulder
    dark = (0.3 + 0.3 * light.hard) * np.exp(-(x * x + y * y) * 1.6) * behind
    layers.colour[:, y0:y1, x0:x1] *= 1 - dark
