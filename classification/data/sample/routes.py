"""Where an animal walks: places well inside the picture and not behind a tree."""

from dataclasses import dataclass

import numpy as np

from classification.data.sample.anatomy import Build
from classification.data.sample.camera import Camera
from classification.data.sample.noise import Field
from classification.data.sample.scenes import Scene

ATTEMPTS = 30  # routes tried before the best of them is taken
LONGEST_STEP = 0.16  # of the picture's width, between two frames
GOOD_VIEW = 0.6  # share of the animal that should be in view in the worst frame


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an animal stands: column of its middle and depth, metres."""

    column: float
    depth: float


def find_route(
    rng: np.random.Generator,
    scene: Scene,
    build: Build,
    *,
    depths: tuple[float, float],
    heading: float,
    frames: int,
    step: float,
) -> tuple[Place, ...]:
    """A place per frame; of many tries the first that is well in view, or else the best.

    Args:
        rng: source of chance.
        scene: where to go.
        build: size of the animal.
        depths: nearest and farthest distance, metres, for a lens of usual focal length.
        heading: direction of the walk, degrees as in `Pose`.
        frames: number of places.
        step: metres between two frames.
    """
    camera = scene.camera
    low, high = np.log(np.array(depths) * camera.focal / max(camera.width, camera.height))
    nearest = camera.nearest() * (1.08 - 0.25 * build.shoulder)  # large ones may be cut off
    best: tuple[Place, ...] = ()
    best_view = -1.0
    for _ in range(ATTEMPTS):
        depth = max(float(np.exp(rng.uniform(low, high))), nearest)
        start = Place(column=float(rng.uniform(0.06, 0.94) * camera.width), depth=depth)
        route = _straight(camera, start, heading=heading, frames=frames, step=step, nearest=nearest)
        view = min(in_view(scene.depth, camera, build, place) for place in route)
        if view > best_view:
            best, best_view = route, view
        if view > GOOD_VIEW:
            break
    return best


def _straight(
    camera: Camera, middle: Place, *, heading: float, frames: int, step: float, nearest: float
) -> tuple[Place, ...]:
    """A straight walk whose half-way point is `middle`."""
    scale = camera.pixels_per_metre(middle.depth)
    step = min(step, LONGEST_STEP * camera.width / scale)
    ahead = (np.arange(frames) - (frames - 1) / 2) * step
    columns = middle.column + ahead * np.cos(np.radians(heading)) * scale
    depths = np.maximum(middle.depth + ahead * np.sin(np.radians(heading)), 0.95 * nearest)
    return tuple(
        Place(column=float(column), depth=float(depth))
        for column, depth in zip(columns, depths, strict=True)
    )


def in_view(depth: Field, camera: Camera, build: Build, place: Place) -> float:
    """About how much of an animal is inside the picture and not behind something, 0..1."""
    scale = camera.pixels_per_metre(place.depth) * build.shoulder
    row = camera.ground_row(place.depth, place.column)
    wide, tall = 0.6 * (build.body + 0.5) * scale, (0.9 + build.neck) * scale
    top, bottom = int(row - tall), int(row)
    left, right = int(place.column - wide), int(place.column + wide)
    window = depth[
        max(0, top) : max(0, min(bottom, camera.height - camera.banner)),
        max(0, left) : max(0, min(right, camera.width)),
    ]
    area = max(1, (bottom - top) * (right - left))
    return float(np.count_nonzero(window > place.depth - build.shoulder)) / area
