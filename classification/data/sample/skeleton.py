"""From a build and a pose to capsules in space: the shape of one animal at one moment.

Axes of the animal, in metres: x forward, y up, z to its right; the origin is on the ground below
the hips. A capsule is the hull of two balls, the cheapest solid that looks like a limb.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification.data.sample.anatomy import Build, Coat, Colour

Point = NDArray[np.float64]  # [3]
HAIRLESS = 0.0


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


def _direction(angle: float, side: float = 0.0) -> Point:
    a, s = np.radians(angle), np.radians(side)
    return np.array([np.cos(a) * np.cos(s), np.sin(a), np.cos(a) * np.sin(s)])


def build_figure(build: Build, coat: Coat, pose: Pose) -> Figure:
    """The figure of an animal in a pose, metres."""
    size = build.shoulder
    drop = 1 - 0.42 * pose.crouch
    rise = np.radians(pose.rear)
    seat = 1 - 0.55 * np.sin(rise)  # sitting lowers the hips
    reach = build.body * size
    hip = np.array(
        [-0.5 * reach * np.cos(rise), (build.hip * drop * seat - build.rump) * size, 0.0]
    )
    hip[1] = max(hip[1], build.rump * size * 0.8)
    level = ((drop - build.chest) - (build.hip * drop - build.rump)) * size * np.cos(rise)
    reach = build.body * size
    shoulder = hip + np.array([reach * np.cos(rise), level + reach * np.sin(rise), 0.0])
    neck_base = shoulder + np.array([0.08, 0.35 * build.chest / 0.25 * 0.25, 0.0]) * size
    trunk = _trunk(build, coat, hip, shoulder)
    head, eyes, nose = _head(build, coat, pose, neck_base)
    legs = _legs(build, coat, pose, hip, shoulder)
    return Figure(
        capsules=[*trunk, *legs, *_tail(build, coat, pose, hip), *head],
        eyes=eyes,
        nose=nose,
        eye_radius=0.17 * build.head * build.shoulder,
    )


def _trunk(build: Build, coat: Coat, hip: Point, shoulder: Point) -> list[Capsule]:
    """Rump, loin, rib cage and the root of the neck; the belly is drawn up before the hips."""
    size = build.shoulder
    chest, waist = build.chest * size, build.waist * size
    loin = 0.6 * hip + 0.4 * shoulder + np.array([0, 0.25 * (chest - waist), 0])
    ribs = 0.18 * hip + 0.82 * shoulder + np.array([0, -0.06 * chest, 0])
    withers = shoulder + np.array([0.05 * chest, 0.18 * chest, 0])
    spine = [
        (hip, loin, build.rump * size, waist, coat.rump, coat.back),
        (loin, ribs, waist, chest, coat.back, coat.back),
        (ribs, withers, chest, 0.82 * chest, coat.back, coat.back),
    ]
    along, capsules = 0.0, []
    for start, end, wide_start, wide_end, colour_start, colour_end in spine:
        capsules.append(
            Capsule(
                start=start,
                end=end,
                radius_start=wide_start,
                radius_end=wide_end,
                colour_start=colour_start,
                colour_end=colour_end,
                belly=1.0,
                pattern=1.0,
                along=along,
            )
        )
        along += float(np.linalg.norm(end - start))
    return capsules


def _head(
    build: Build, coat: Coat, pose: Pose, base: Point
) -> tuple[list[Capsule], list[Point], Point]:
    size = build.shoulder
    up = build.neck_angle + pose.neck
    skull = base + _direction(up, 0.4 * pose.turn) * build.neck * size
    lowest = build.head * size
    skull[1] = max(skull[1], lowest)
    tilt = 0.35 * up - 24 + pose.nod
    ahead = _direction(tilt, pose.turn)
    side = _direction(0, pose.turn + 90)
    crown = np.cross(side, ahead)
    radius = build.head * size
    nose = skull + ahead * (build.muzzle * size + 0.55 * radius)
    common = {"belly": 0.5, "pattern": 0.7}
    parts = [
        Capsule(start=base - np.array([0.03, 0.05, 0]) * size, end=skull,
                radius_start=max(build.neck_radius * 1.45, build.chest * 0.72) * size,
                radius_end=build.neck_radius * size,
                colour_start=coat.neck, colour_end=coat.neck, along=build.body * size, **common),
        Capsule(start=skull, end=skull + ahead * 0.3 * radius, radius_start=radius,
                radius_end=radius * 0.86, colour_start=coat.head, colour_end=coat.head, **common),
        Capsule(start=skull + ahead * 0.4 * radius - crown * 0.15 * radius,
                end=nose - crown * 0.3 * radius, radius_start=build.muzzle_radius * size * 1.35,
                radius_end=build.muzzle_radius * size * 0.75, colour_start=coat.head,
                colour_end=coat.muzzle, belly=0.8),
    ]  # fmt: skip
    for hand in (-1.0, 1.0):
        root = skull + crown * 0.55 * radius + side * hand * 0.6 * radius - ahead * 0.2 * radius
        tip = root + (crown * 0.85 + side * hand * 0.5 - ahead * 0.25) * build.ear * size
        parts.append(
            Capsule(start=root, end=tip, radius_start=build.ear_radius * size,
                    radius_end=build.ear_radius * size * (0.12 + 0.75 * build.ear_round),
                    colour_start=coat.head, colour_end=coat.ear)
        )  # fmt: skip
        if pose.antlers:
            parts += _antler(build, skull + crown * 0.7 * radius, crown, ahead, side * hand)
    eyes = [
        skull + ahead * 0.5 * radius + crown * 0.36 * radius + side * hand * 0.72 * radius
        for hand in (-1.0, 1.0)
    ]
    return parts, eyes, nose - crown * 0.25 * radius


def _antler(build: Build, root: Point, crown: Point, ahead: Point, out: Point) -> list[Capsule]:
    length = build.antlers * build.shoulder
    colour, thick = (150, 128, 100), 0.022 * build.shoulder
    bend = root + (crown * 0.5 + out * 0.45 - ahead * 0.35) * length
    tip = bend + (crown * 0.55 + out * 0.1 + ahead * 0.1) * length
    tines = [
        (root, bend),
        (bend, tip),
        (root + (bend - root) * 0.3, root + (crown * 0.35 + out * 0.15 + ahead * 0.35) * length),
        (bend, bend + (crown * 0.35 + ahead * 0.35) * length),
    ]
    return [
        Capsule(start=a, end=b, radius_start=thick, radius_end=thick * 0.6,
                colour_start=colour, colour_end=colour)
        for a, b in tines
    ]  # fmt: skip


def _legs(build: Build, coat: Coat, pose: Pose, hip: Point, shoulder: Point) -> list[Capsule]:
    size = build.shoulder
    capsules = []
    for hand in (-1.0, 1.0):
        beat = 0.0 if hand < 0 else 0.5
        for front in (True, False):
            phase = 2 * np.pi * (pose.phase + beat + (0.0 if front else 0.75))
            anchor = shoulder if front else hip
            girth = build.chest if front else build.rump
            root = anchor + np.array([0, -0.25 * girth, hand * 0.55 * girth]) * size
            lift = max(0.0, np.cos(phase)) * 0.35 * pose.stride
            forward = pose.stride * np.sin(phase) + (0.02 if front else -0.06)
            if pose.rear > 10 and not front:
                forward = 0.35 * build.body  # haunches fold forward
            foot = np.array([root[0] + forward * size, lift * size, root[2] * 0.85])
            limb = 1.05 * (1 - build.chest) * size
            if front and root[1] > limb * 1.3:  # raised paws hang
                foot = root + np.array([0.25, -0.3, 0]) * size
            capsules += _leg(build, coat, root, foot, front=front)
    return capsules


def _leg(build: Build, coat: Coat, root: Point, foot: Point, *, front: bool) -> list[Capsule]:
    size = build.shoulder
    straight = foot - root
    length = float(np.linalg.norm(straight))
    full = (1 - build.chest) * size
    bend = 0.12 * size + 0.5 * max(0.0, full - length)
    knee = root + straight * 0.5 + np.array([bend * (0.25 if front else -0.9), 0, 0])
    if not front:
        knee = knee + np.array([0.0, -0.02, 0.0]) * size
    thick = build.leg * size
    thigh = thick * 1.3 + (0.22 if front else 0.5) * build.rump * size
    toe = foot + np.array([0.05 * size + 0.3 * thick, thick * 0.6, 0])
    ankle = foot + np.array([0, thick * 0.9, 0])
    return [
        Capsule(start=root, end=knee, radius_start=thigh, radius_end=thick * 1.35,
                colour_start=coat.back, colour_end=coat.legs, belly=0.3, pattern=0.8),
        Capsule(start=knee, end=ankle, radius_start=thick * 1.25, radius_end=thick * 0.85,
                colour_start=coat.legs, colour_end=coat.feet, pattern=0.6, along=length * 0.5),
        Capsule(start=ankle, end=toe, radius_start=thick * 0.95, radius_end=thick * 0.8,
                colour_start=coat.feet, colour_end=coat.feet),
    ]  # fmt: skip


def _tail(build: Build, coat: Coat, pose: Pose, hip: Point) -> list[Capsule]:
    size, joints = build.shoulder, 6
    point = hip + np.array([-0.75 * build.rump, 0.45 * build.rump, 0]) * size
    radii = np.interp(np.linspace(0, 2, joints + 1), [0, 1, 2], build.tail_radii) * size
    step = build.tail * size / joints
    capsules = []
    for joint in range(joints):
        share = joint / (joints - 1)
        angle = build.tail_angle + pose.tail + build.tail_curl * share
        aim = _direction(angle, pose.swish * share) * np.array([-1, 1, 1])
        after = point + aim * step
        after[1] = max(after[1], radii[joint + 1])  # lies on the ground, not in it
        last = joint >= joints - 2
        capsules.append(
            Capsule(start=point, end=after, radius_start=radii[joint], radius_end=radii[joint + 1],
                    colour_start=coat.tail_tip if joint == joints - 1 else coat.tail,
                    colour_end=coat.tail_tip if last else coat.tail,
                    pattern=0.9, along=joint * step)
        )  # fmt: skip
        point = after
    return capsules
