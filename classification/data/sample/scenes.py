"""The place a camera looks at, drawn once per location."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from classification.data.sample.camera import FAR, Camera, mount
from classification.data.sample.canvas import Canvas
from classification.data.sample.habitats import HABITATS, Habitat
from classification.data.sample.noise import Field, fractal, sample_smooth, smoothstep, stretched
from classification.data.sample.plants import Painter

SUPERSAMPLING = 2
WALL_DEPTH = 24.0  # metres; where the ground ends in vegetation
CLEARING = 3.0  # metres; people cut the grass before the lens
SCENE_STREAM = 0  # number of the random stream that draws scenes


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
    camera = mount(rng, location=location, width=width, height=height, mount_range=habitat.mount)
    large = camera.scaled(SUPERSAMPLING)
    colour, depth = _backdrop(rng, large, habitat)
    painter = Painter(Canvas((colour * 255).astype(np.uint8), depth), large, rng)
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


def _backdrop(rng: np.random.Generator, camera: Camera, habitat: Habitat) -> tuple[Field, Field]:
    depth = camera.ground_depth()
    ground = _ground(rng, camera, habitat, depth)
    behind = _sky(rng, camera, habitat) if habitat.sky else _wall(rng, camera, habitat)
    seam = WALL_DEPTH * (2.0 if habitat.sky else 1.0)
    mix = smoothstep(depth, 0.6 * seam, seam)[..., None]
    colour = np.clip(ground * (1 - mix) + behind * mix, 0, 1)
    return colour.astype(np.float32), np.where(depth < seam, depth, FAR if habitat.sky else seam)


def _ground(rng: np.random.Generator, camera: Camera, habitat: Habitat, depth: Field) -> Field:
    lateral = (np.arange(camera.width, dtype=np.float32) - camera.width / 2) * depth / camera.focal
    value = np.zeros_like(depth)
    for period, strength in ((4.0, 0.8), (0.9, 0.6), (0.16, 0.5)):  # metres, weight
        tile = fractal(rng, beta=1.6)
        cells = 32 / period
        fade = np.clip(camera.focal * period / depth / 12, 0, 1)  # no shimmer far away
        value += strength * fade * sample_smooth(tile, depth * cells + 97, lateral * cells + 1000)
    value += 1.5 * rng.uniform(0.2, 1) * _trail(rng, depth, lateral)
    dark, middle, light = (np.array(c, dtype=np.float32) / 255 for c in habitat.ground)
    down = smoothstep(-value, 0, 1.8)[..., None]
    up = smoothstep(value, 0, 1.8)[..., None]
    return middle + (dark - middle) * down + (light - middle) * up


def _trail(rng: np.random.Generator, depth: Field, lateral: Field) -> Field:
    """Where animals have trodden a path, 0..1; cameras are put up beside one."""
    start, drift, bend = rng.normal(0, 0.25), rng.normal(0, 0.25), rng.uniform(0, 0.5)
    centre = start + drift * depth + bend * np.sin(depth / 2.5 + rng.uniform(0, 6))
    return np.exp(-(((lateral - centre) / rng.uniform(0.25, 0.5)) ** 2)).astype(np.float32)


def _wall(rng: np.random.Generator, camera: Camera, habitat: Habitat) -> Field:
    shape = (camera.height, camera.width)
    clumps = stretched(fractal(rng, beta=1.8), shape, rows=5, columns=4, offset=(0, 0))
    stems = stretched(fractal(rng, beta=1.0), shape, rows=30, columns=2, offset=(0, 0))
    leaves = stretched(fractal(rng, beta=0.6), shape, rows=1.5, columns=1.5, offset=(0, 0))
    mix = smoothstep(0.8 * clumps + 0.45 * stems + 0.4 * leaves, -1.6, 2.2)[..., None]
    dark, light = (np.array(c, dtype=np.float32) / 255 for c in habitat.wall)
    return (dark + (light - dark) * mix).astype(np.float32)


def _sky(rng: np.random.Generator, camera: Camera, habitat: Habitat) -> Field:
    shape = (camera.height, camera.width)
    rows = np.arange(camera.height, dtype=np.float32)[:, None]
    columns = np.arange(camera.width, dtype=np.float32)[None, :]
    clouds = stretched(fractal(rng, beta=2.6), shape, rows=4, columns=9, offset=(0, 0))
    zenith = np.array([0.55, 0.68, 0.84], dtype=np.float32)
    haze = np.array([0.86, 0.89, 0.92], dtype=np.float32)
    white = smoothstep(clouds + 2 * rows / camera.horizon - 1, -0.5, 1.5)[..., None]
    picture = zenith + (haze - zenith) * white
    dark, light = (np.array(c, dtype=np.float32) / 255 for c in habitat.wall)
    base = camera.horizon + camera.roll * (columns - camera.width / 2)
    for layer in range(4):  # ridges and tree lines, far to near
        near = (layer + 1) / 4
        line = fractal(rng, beta=2.4 - 1.4 * near)
        rise = camera.horizon * (0.42 - 0.34 * near)
        wave = stretched(line, (1, camera.width), rows=1, columns=8 - 5 * near, offset=(layer, 0))
        crest = base - rise * (1 + 0.4 * wave) + 2
        inside = smoothstep(rows - crest, 0, 2)[..., None]
        rough = stretched(line, shape, rows=3, columns=2.5, offset=(9, 9))[..., None]
        tone = dark + (light - dark) * np.clip(0.45 + 0.22 * rough, 0, 1)
        picture = picture * (1 - inside) + (haze * 0.8 * (1 - near) + tone * near) * inside
    return picture.astype(np.float32)


def _plant(painter: Painter, habitat: Habitat) -> None:
    """Paint everything that stands on the ground, from far to near."""
    strokes = [
        *_undergrowth(painter, habitat),
        *_trees(painter, habitat),
        *_stones(painter, habitat),
        *_cover(painter, habitat),
    ]
    for _, stroke in sorted(strokes, key=lambda item: -item[0]):
        stroke()


def _spot(painter: Painter, nearest: float, farthest: float) -> tuple[float, float]:
    """A random place in view: column, depth. Even in the logarithm of depth."""
    depth = float(np.exp(painter.rng.uniform(np.log(nearest), np.log(farthest))))
    return float(painter.rng.uniform(-0.05, 1.05) * painter.camera.width), depth


def _count(painter: Painter, bounds: tuple[int, int]) -> int:
    return int(painter.rng.integers(bounds[0], bounds[1] + 1))


def _undergrowth(painter: Painter, habitat: Habitat) -> list:
    """A line of shrubs that hides where the ground ends."""
    count = 0 if habitat.sky else 14
    strokes = []
    for _ in range(count):
        column, depth = _spot(painter, 13, 22)
        radius = painter.rng.uniform(0.5, 1.3)
        strokes.append((depth, lambda c=column, d=depth, r=radius: painter.shrub(
            c, d, radius=r, colours=habitat.leaves, leaf=habitat.leaf_size[1])))  # fmt: skip
    return strokes


def _trees(painter: Painter, habitat: Habitat) -> list:
    strokes = []
    for _ in range(_count(painter, habitat.trunks)):
        column, depth = _spot(painter, 4.0, 20)
        radius = painter.rng.uniform(*habitat.trunk_radius)
        bark = painter.colour(habitat.bark)
        strokes.append((depth, lambda c=column, d=depth, r=radius, b=bark: painter.trunk(
            c, d, radius=r, bark=b)))  # fmt: skip
    for _ in range(habitat.logs):
        column, depth = _spot(painter, 4.5, 10)
        bark = painter.colour(habitat.bark)
        strokes.append((depth, lambda c=column, d=depth, b=bark: painter.log(
            c, d, radius=0.14, length=2.4, bark=b)))  # fmt: skip
    return strokes


def _stones(painter: Painter, habitat: Habitat) -> list:
    strokes = []
    for _ in range(_count(painter, habitat.rocks)):
        column, depth = _spot(painter, 2.5, 16)
        radius = float(np.clip(painter.rng.lognormal(-1.7, 0.5), 0.06, 0.6))
        stone = painter.colour(habitat.stone)
        strokes.append((depth, lambda c=column, d=depth, r=radius, s=stone: painter.rock(
            c, d, radius=r, stone=s)))  # fmt: skip
    return strokes


def _cover(painter: Painter, habitat: Habitat) -> list:
    """Grass, shrubs and fallen leaves, a few of them close to the lens."""
    nearest = painter.camera.nearest()
    strokes = []
    for _ in range(_count(painter, habitat.shrubs)):
        column, depth = _spot(painter, 3.0, 14)
        radius = painter.rng.uniform(0.2, 0.7)
        leaf = painter.rng.uniform(*habitat.leaf_size)
        strokes.append((depth, lambda c=column, d=depth, r=radius, s=leaf: painter.shrub(
            c, d, radius=r, colours=habitat.leaves, leaf=s)))  # fmt: skip
    for _ in range(_count(painter, habitat.tufts)):
        column, depth = _spot(painter, nearest, 16)
        middle = abs(column / painter.camera.width - 0.5) < 0.35
        if depth < CLEARING and middle and painter.rng.random() < 0.75:
            continue
        tall = painter.rng.uniform(*habitat.grass_height)
        strokes.append((depth, lambda c=column, d=depth, t=tall: painter.tuft(
            c, d, height=t, colours=habitat.grass)))  # fmt: skip
    for _ in range(1300 if habitat.litter else 0):
        column, depth = _spot(painter, nearest, 9)
        strokes.append((depth, lambda c=column, d=depth: painter.litter(
            c, d, colours=habitat.litter)))  # fmt: skip
    return strokes
