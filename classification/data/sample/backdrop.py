"""Ground, sky and far vegetation: what a scene is painted on."""

import numpy as np

from classification.data.sample.camera import FAR, Camera
from classification.data.sample.habitats import Colour, Habitat
from classification.data.sample.noise import Field, fractal, sample_smooth, smoothstep, stretched

WALL_DEPTH, SKYLINE = 24.0, 48.0  # metres; where the ground ends, without and with open sky
ZENITH: Colour = (140, 173, 214)
HAZE: Colour = (219, 227, 235)
RIDGES = 4


def build_backdrop(
    rng: np.random.Generator, camera: Camera, habitat: Habitat
) -> tuple[Field, Field]:
    """Colour [H, W, 3] in 0..1 and depth [H, W] in metres, float32."""
    depth = camera.ground_depth()
    ground = _ground(rng, camera, habitat, depth)
    behind = _sky(rng, camera, habitat) if habitat.sky else _wall(rng, camera, habitat)
    seam = SKYLINE if habitat.sky else WALL_DEPTH
    mix = smoothstep(depth, 0.6 * seam, seam)[..., None]
    colour = np.clip(ground + (behind - ground) * mix, 0, 1)
    far = np.where(depth < seam, depth, FAR if habitat.sky else seam)
    return colour.astype(np.float32), far.astype(np.float32)


def _tone(colour: Colour) -> Field:
    return np.array(colour, dtype=np.float32) / 255


def _ground(rng: np.random.Generator, camera: Camera, habitat: Habitat, depth: Field) -> Field:
    """Blotches of three sizes, fixed to the ground, and a path."""
    lateral = (np.arange(camera.width, dtype=np.float32) - camera.width / 2) * depth / camera.focal
    value = np.zeros_like(depth)
    for period, strength in ((4.0, 0.8), (0.9, 0.6), (0.16, 0.5)):  # metres, weight
        cells = 32 / period
        fade = np.clip(camera.focal * period / depth / 12, 0, 1)  # no shimmer far away
        tile = fractal(rng, beta=1.6)
        value += strength * fade * sample_smooth(tile, depth * cells + 97, lateral * cells + 1000)
    value += rng.uniform(0.3, 1.5) * _trail(rng, depth, lateral)
    dark, middle, light = (_tone(colour) for colour in habitat.ground)
    down = smoothstep(-value, 0, 1.8)[..., None]
    up = smoothstep(value, 0, 1.8)[..., None]
    return middle + (dark - middle) * down + (light - middle) * up


def _trail(rng: np.random.Generator, depth: Field, lateral: Field) -> Field:
    """Where animals have trodden a path, 0..1; cameras are put up beside one."""
    start, drift, bend = rng.normal(0, 0.25), rng.normal(0, 0.25), rng.uniform(0, 0.5)
    centre = start + drift * depth + bend * np.sin(depth / 2.5 + rng.uniform(0, 2 * np.pi))
    return np.exp(-(((lateral - centre) / rng.uniform(0.25, 0.5)) ** 2))


def _wall(rng: np.random.Generator, camera: Camera, habitat: Habitat) -> Field:
    """A dense edge of the wood: clumps, stems and leaves."""
    shape = (camera.height, camera.width)
    clumps = stretched(fractal(rng, beta=1.8), shape, rows=5, columns=4, offset=(0, 0))
    stems = stretched(fractal(rng, beta=1.0), shape, rows=30, columns=2, offset=(0, 0))
    leaves = stretched(fractal(rng, beta=0.6), shape, rows=1.5, columns=1.5, offset=(0, 0))
    mix = smoothstep(0.8 * clumps + 0.45 * stems + 0.4 * leaves, -1.6, 2.2)[..., None]
    dark, light = (_tone(colour) for colour in habitat.wall)
    return dark + (light - dark) * mix


def _sky(rng: np.random.Generator, camera: Camera, habitat: Habitat) -> Field:
    """Clouds, and ridges and tree lines before them, the farther the hazier."""
    shape = (camera.height, camera.width)
    rows = np.arange(camera.height, dtype=np.float32)[:, None]
    columns = np.arange(camera.width, dtype=np.float32)[None, :]
    clouds = stretched(fractal(rng, beta=2.6), shape, rows=4, columns=9, offset=(0, 0))
    white = smoothstep(clouds + 2 * rows / camera.horizon - 1, -0.5, 1.5)[..., None]
    picture = _tone(ZENITH) + (_tone(HAZE) - _tone(ZENITH)) * white
    dark, light = (_tone(colour) for colour in habitat.wall)
    base = camera.horizon + camera.roll * (columns - camera.width / 2)
    for ridge in range(1, RIDGES + 1):
        near = ridge / RIDGES
        line = fractal(rng, beta=2.4 - 1.4 * near)  # far hills are smooth, near trees jagged
        wave = stretched(line, (1, camera.width), rows=1, columns=8 - 5 * near, offset=(ridge, 0))
        crest = base - camera.horizon * (0.42 - 0.34 * near) * (1 + 0.4 * wave) + 2
        rough = stretched(line, shape, rows=3, columns=2.5, offset=(9, 9))[..., None]
        tone = dark + (light - dark) * np.clip(0.45 + 0.22 * rough, 0, 1)
        seen = 0.8 * _tone(HAZE) * (1 - near) + tone * near
        picture = picture + (seen - picture) * smoothstep(rows - crest, 0, 2)[..., None]
    return picture
