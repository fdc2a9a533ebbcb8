"""An individual animal during one burst: its looks, posture and movements."""

from dataclasses import dataclass, fields, replace

import numpy as np

from classification.data.sample.anatomy import Build, Coat, Species
from classification.data.sample.figure import Pose
from classification.data.sample.fur import Fur
from classification.data.sample.noise import TILE
from classification.data.sample.routes import Place, find_route
from classification.data.sample.scenes import Scene
from classification.data.sample.species import SPECIES


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
    speed = species.speed * rng.uniform(0.3, 1.0) if posture == "walk" else 0.0
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
        places=find_route(
            rng,
            scene,
            build,
            depths=species.depth,
            heading=pose.heading,
            frames=frames,
            step=speed * interval,
        ),
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
