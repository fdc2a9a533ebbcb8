"""The place a camera looks at, drawn once per location."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import ndimage

from classification.data.sample.backdrop import build_backdrop
from classification.data.sample.camera import Camera, mount
from classification.data.sample.canvas import Canvas
from classification.data.sample.habitats import HABITATS, Habitat
from classification.data.sample.noise import Field, fractal, smoothstep
from classification.data.sample.painter import Painter
from classification.data.sample.plants import paint_fallen_leaf, paint_shrub, paint_tuft
from classification.data.sample.solids import paint_log, paint_rock, paint_trunk

SUPERSAMPLING = 2
CLEARING = 3.0  # metres; people cut the grass before the lens
FALLEN_LEAVES = 1300
SCENE_STREAM = 0  # number of the random stream that draws scenes

Stroke = tuple[float, Callable[[], None]]  # depth in metres, what paints


@dataclass(frozen=True, kw_only=True)
class Scene:
    """An empty place under neutral light, as its camera sees it."""

    name: str
    habitat: Habitat
    camera: Camera
    colour: Field
    """float32 [3, H, W], 0..1, as sharp as the lens is."""
    depth: Field
    """float32 [H, W], metres to what is seen."""
    green: Field
    """float32 [H, W], 0..1: how leafy it is; leaves shine in infrared."""
    vignette: Field
    """float32 [H, W], gain of the lens."""
    rough: Field
    smooth: Field
    """Noise tiles, for fur and for the shade of leaves."""
    spot: Field
    """float32 [H, W], 0..1, where the infrared flash shines."""


def location_name(location: int) -> str:
    """The name of a location, such as ``meadow-02``."""
    return f"{HABITATS[location % len(HABITATS)].name}-{location + 1:02d}"


def build_scene(*, seed: int, location: int, width: int, height: int) -> Scene:
    """Draw the scene of a location; `width` and `height` are the sensor's, in pixels."""
    rng = np.random.default_rng([seed, SCENE_STREAM, location])
    habitat = HABITATS[location % len(HABITATS)]
    camera = mount(rng, location=location, width=width, height=height, above_ground=habitat.mount)
    large = camera.scaled(SUPERSAMPLING)
    colour, depth = build_backdrop(rng, large, habitat)
    painter = Painter.start(Canvas((colour * 255).astype(np.uint8), depth), large, rng)
    _plant(painter, habitat)
    reduced, near = painter.canvas.reduced(SUPERSAMPLING)
    red, green, blue = reduced
    leafy = smoothstep(green - 0.5 * (red + blue), 0.0, 0.12)
    return Scene(
        name=location_name(location),
        habitat=habitat,
        camera=camera,
        colour=ndimage.gaussian_filter(reduced, (0, camera.blur, camera.blur)),
        depth=near,
        green=leafy,
        vignette=camera.vignette_field(),
        rough=fractal(rng, beta=1.0),
        smooth=fractal(rng, beta=2.1),
        spot=camera.flash_field(),
    )


def _plant(painter: Painter, habitat: Habitat) -> None:
    """Paint everything that stands on the ground, from far to near."""
    strokes = [*_trees(painter, habitat), *_stones(painter, habitat), *_cover(painter, habitat)]
    for _, stroke in sorted(strokes, key=lambda item: -item[0]):
        stroke()


def _trees(painter: Painter, habitat: Habitat) -> Iterator[Stroke]:
    for _ in range(painter.count(habitat.trunks)):
        spot, bark = painter.spot(4.0, 20.0), painter.colour(habitat.bark)
        radius = painter.rng.uniform(*habitat.trunk_radius)
        yield spot.depth, partial(paint_trunk, painter, spot, radius=radius, bark=bark)
    for _ in range(habitat.logs):
        spot, bark = painter.spot(4.5, 10.0), painter.colour(habitat.bark)
        yield spot.depth, partial(paint_log, painter, spot, radius=0.14, length=2.4, bark=bark)


def _stones(painter: Painter, habitat: Habitat) -> Iterator[Stroke]:
    for _ in range(painter.count(habitat.rocks)):
        spot, stone = painter.spot(2.5, 16.0), painter.colour(habitat.stone)
        radius = float(np.clip(painter.rng.lognormal(-1.7, 0.5), 0.06, 0.6))
        yield spot.depth, partial(paint_rock, painter, spot, radius=radius, stone=stone)


def _cover(painter: Painter, habitat: Habitat) -> Iterator[Stroke]:
    """Shrubs, grass and fallen leaves; a line of shrubs hides where the ground ends in a wall."""
    rng, nearest = painter.rng, painter.camera.nearest()
    fringe = 0 if habitat.sky else 14
    for number in range(fringe + painter.count(habitat.shrubs)):
        far = number < fringe
        spot = painter.spot(13.0, 22.0) if far else painter.spot(3.0, 14.0)
        radius = rng.uniform(0.5, 1.3) if far else rng.uniform(0.2, 0.7)
        leaf = rng.uniform(*habitat.leaf_size)
        shrub = partial(paint_shrub, radius=radius, colours=habitat.leaves, leaf=leaf)
        yield spot.depth, partial(shrub, painter, spot)
    for _ in range(painter.count(habitat.tufts)):
        spot = painter.spot(nearest, 16.0)
        middle = abs(spot.column / painter.camera.width - 0.5) < 0.35
        if spot.depth < CLEARING and middle and rng.random() < 0.75:
            continue
        height = rng.uniform(*habitat.grass_height)
        yield spot.depth, partial(paint_tuft, painter, spot, height=height, colours=habitat.grass)
    for _ in range(FALLEN_LEAVES if habitat.litter else 0):
        spot = painter.spot(nearest, 9.0)
        yield spot.depth, partial(paint_fallen_leaf, painter, spot, colours=habitat.litter)
