"""The shape of an animal as capsules in space, and the pose that decides it.

Axes of the animal, in metres: x forward, y up, z to its right; the origin is on the ground below
its middle. A capsule is the hull of two balls, the cheapest solid that looks like a limb.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from classification.data.sample.anatomy import Colour

Point = NDArray[np.float64]  # [3]


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How an animal holds itself. Angles in degrees."""

    heading: float
    """0: to the right of the picture, 90: away from the camera, 180: to the left."""
    phase: float = 0.0
    """Of the gait, 0 to 1."""
    stride: float = 0.0
    """Swing of the legs, shoulder heights."""
    neck: float = 0.0
    """Added to the angle of the neck."""
    nod: float = 0.0
    """Added to the angle of the head."""
    turn: float = 0.0
    """Of the head to the side."""
    tail: float = 0.0
    """Added to the angle of the tail."""
    swish: float = 0.0
    """Of the tail to the side."""
    crouch: float = 0.0
    """How far the trunk is lowered, 0 to 1."""
    rear: float = 0.0
    """How far the trunk is raised on the haunches."""
    antlers: bool = False


@dataclass(frozen=True, kw_only=True)
class Capsule:
    """Two balls and what is between them, with the colour at each end."""

    start: Point
    end: Point
    radius_start: float
    radius_end: float
    colour_start: Colour
    colour_end: Colour
    belly: float = 0.0
    """How much of the pale underside shows, 0 to 1."""
    pattern: float = 0.0
    """Strength of the coat pattern, 0 to 1."""
    along: float = 0.0
    """Where the pattern starts, metres along the body."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The solid and the points drawn on it."""

    capsules: list[Capsule]
    eyes: list[Point]
    nose: Point
    eye_radius: float


def direction(angle: float, side: float = 0.0) -> Point:
    """Unit vector `angle` degrees above forward, turned `side` degrees to the animal's right."""
    a, s = np.radians(angle), np.radians(side)
    return np.array([np.cos(a) * np.cos(s), np.sin(a), np.cos(a) * np.sin(s)])


def chain(
    points: Sequence[Point],
    radii: Sequence[float],
    colours: Sequence[Colour],
    *,
    belly: float = 0.0,
    pattern: float = 0.0,
    along: float = 0.0,
) -> list[Capsule]:
    """Capsules from point to point; the pattern runs on from one to the next."""
    capsules = []
    for (start, end), (near, far), (first, last) in zip(
        pairwise(points), pairwise(radii), pairwise(colours), strict=True
    ):
        capsules.append(
            Capsule(
                start=start,
                end=end,
                radius_start=near,
                radius_end=far,
                colour_start=first,
                colour_end=last,
                belly=belly,
                pattern=pattern,
                along=along,
            )
        )
        along += float(np.linalg.norm(end - start))
    return capsules
