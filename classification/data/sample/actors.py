"""An individual animal during one burst: its looks, where it is and how it moves."""

from dataclasses import dataclass, fields, replace

import numpy as np

from classification.data.sample.anatomy import Build, Coat, Species
from classification.data.sample.camera import Camera
from classification.data.sample.figure import Pose
from classification.data.sample.fur import Fur
from classification.data.sample.noise import TILE, Field
from classification.data.sample.scenes import Scene
from classification.data.sample.species import SPECIES

ATTEMPTS = 30  # places tried before the best of them is taken
LONGEST_STEP = 0.16  # of the picture's width, between two frames
GOOD_VIEW = 0.6  # share of the animal that should be in view in the worst frame


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an animal stands: column of its middle and depth, metres."""

    column: float
    depth: float


@dataclass(frozen=True, kw_only=True)
class Actor:
    """One animal in one burst."""

    species: Species
    build: Build
    fur: Fur
    speed: float
    """Metres per second."""
    pose: Pose
    """At the first frame."""
    places: tuple[Place, ...]
    """One per frame."""

    def pose_at(self, frame: int, rng: np.random.Generator) -> Pose:
        """The pose at a frame: the gait goes on, head and tail move a little."""
        return replace(
            self.pose,
            phase=self.pose.phase + 0.37 * frame + rng.normal(0, 0.04),
            heading=self.pose.heading + rng.normal(0, 3),
            neck=self.pose.neck + rng.normal(0, 6),
            nod=self.pose.nod + rng.normal(0, 6),
            turn=self.pose.turn + rng.normal(0, 14),
            tail=self.pose.tail + rng.normal(0, 8),
            swish=self.pose.swish + rng.normal(0, 14),
        )


def cast(rng: np.random.Generator, name: str, scene: Scene, *, frames: int, interval: int) -> Actor:
    """Choose an individual of species `name`, its posture and its path through the scene."""
    species = SPECIES[name]
    young = rng.random() < 0.15
    build = _vary_build(rng, species.build, young=young)
    coat = _vary_coat(rng, species.coat)
    posture = str(rng.choice(list(species.postures), p=_weights(species)))
    pose = _pose(rng, posture, antlers=build.antlers > 0 and not young and rng.random() < 0.3)
    speed = species.speed * rng.uniform(0.3, 1.0) * (posture in ("walk",))
    return Actor(
        species=species,
        build=build,
        fur=Fur(
            coat=coat,
            size=build.shoulder,
            coarse=scene.smooth,
            fine=scene.rough,
            shift=int(rng.integers(TILE)),
        ),
        speed=speed,
        pose=pose,
        places=_path(rng, scene, species, build, pose, frames=frames, step=speed * interval),
    )


def _weights(species: Species) -> np.ndarray:
    weights = np.array(list(species.postures.values()))
    return weights / weights.sum()


def _vary_build(rng: np.random.Generator, build: Build, *, young: bool) -> Build:
    size = build.shoulder * rng.normal(1, 0.07) * (rng.uniform(0.6, 0.8) if young else 1)
    stout = rng.normal(1, 0.07)
    return replace(
        build,
        shoulder=size,
        body=build.body * rng.normal(1, 0.05),
        chest=build.chest * stout,
        waist=build.waist * stout,
        rump=build.rump * stout,
        head=build.head * (1.15 if young else 1) * rng.normal(1, 0.05),
        ear=build.ear * rng.normal(1, 0.1),
        tail=build.tail * rng.normal(1, 0.1),
    )


def _vary_coat(rng: np.random.Generator, coat: Coat) -> Coat:
    """The same coat, lighter or darker, redder or greyer, more or less marked."""
    light = rng.normal(1, 0.13)
    grey = float(np.clip(rng.normal(0.15, 0.2), -0.1, 0.7))
    warm = rng.normal(0, 0.05)
    changed = {}
    for field in fields(coat):
        value = getattr(coat, field.name)
        if isinstance(value, tuple):
            colour = np.array(value, dtype=float) * light * np.array([1 + warm, 1, 1 - warm])
            colour += grey * (colour.mean() - colour)
            changed[field.name] = tuple(int(c) for c in np.clip(colour, 8, 245))
    return replace(coat, contrast=coat.contrast * rng.uniform(0.35, 1.2), **changed)


def _pose(rng: np.random.Generator, posture: str, *, antlers: bool) -> Pose:
    side = 0.0 if rng.random() < 0.5 else 180.0
    oblique = rng.normal(0, 22) if rng.random() < 0.75 else rng.uniform(-85, 85)
    base = Pose(
        heading=side + oblique,
        phase=rng.random(),
        stride=0.03,
        neck=rng.normal(0, 8),
        nod=rng.normal(0, 8),
        turn=rng.normal(0, 22),
        tail=rng.normal(0, 14),
        swish=rng.normal(0, 22),
        antlers=antlers,
    )
    changes = {
        "walk": {"stride": rng.uniform(0.14, 0.3), "turn": rng.normal(0, 8)},
        "stand": {},
        "graze": {"neck": base.neck - rng.uniform(60, 90), "nod": -30, "stride": 0.08},
        "alert": {"neck": base.neck + 14, "turn": rng.normal(0, 50)},
        "sit": {"rear": rng.uniform(38, 56), "tail": base.tail + 12},
        "crouch": {"crouch": rng.uniform(0.4, 0.9), "neck": base.neck - 14},
    }
    return replace(base, **changes[posture])


def _path(
    rng: np.random.Generator,
    scene: Scene,
    species: Species,
    build: Build,
    pose: Pose,
    *,
    frames: int,
    step: float,
) -> tuple[Place, ...]:
    """Where the animal is in each frame; of many tries the first that is well in view."""
    camera = scene.camera
    heading = np.radians(pose.heading)
    lens = camera.focal / max(camera.width, camera.height)
    low, high = (np.log(bound * lens) for bound in species.depth)
    nearest = camera.nearest() * (1.08 - 0.25 * build.shoulder)  # large ones may be cut off
    best, best_view = None, -1.0
    for _ in range(ATTEMPTS):
        depth = max(float(np.exp(rng.uniform(low, high))), nearest)
        stride = min(step, LONGEST_STEP * camera.width / camera.pixels_per_metre(depth))
        column = rng.uniform(0.06, 0.94) * camera.width
        path = []
        for frame in range(frames):
            ahead = (frame - (frames - 1) / 2) * stride
            there = max(depth + ahead * np.sin(heading), 0.95 * nearest)
            moved = ahead * np.cos(heading) * camera.pixels_per_metre(depth)
            path.append(Place(column=float(column + moved), depth=float(there)))
        view = min(in_view(scene.depth, camera, build, place) for place in path)
        if view > best_view:
            best, best_view = tuple(path), view
        if best_view > GOOD_VIEW:
            break
    assert best is not None
    return best


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
