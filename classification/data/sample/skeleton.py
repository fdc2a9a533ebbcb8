"""From a build and a pose to the solid of one animal at one moment."""

import numpy as np

from classification.data.sample.anatomy import Build, Coat, Colour
from classification.data.sample.figure import Capsule, Figure, Point, Pose, chain, direction

TAIL_JOINTS = 6
ANTLER: Colour = (150, 128, 100)


def build_figure(build: Build, coat: Coat, pose: Pose) -> Figure:
    """The figure of an animal in a pose, metres."""
    hip, shoulder = _spine_ends(build, pose)
    neck = shoulder + np.array([0.08, 0.35 * build.chest, 0.0]) * build.shoulder
    head, eyes, nose = _head(build, coat, pose, neck)
    return Figure(
        capsules=[
            *_trunk(build, coat, hip, shoulder),
            *_legs(build, coat, pose, hip, shoulder),
            *_tail(build, coat, pose, hip),
            *head,
        ],
        eyes=eyes,
        nose=nose,
        eye_radius=0.17 * build.head * build.shoulder,
    )


def _spine_ends(build: Build, pose: Pose) -> tuple[Point, Point]:
    """Centres of rump and chest."""
    size, reach = build.shoulder, build.body * build.shoulder
    drop = 1 - 0.42 * pose.crouch
    rise = np.radians(pose.rear)
    seat = 1 - 0.55 * np.sin(rise)  # sitting lowers the hips
    height = max(build.hip * drop * seat - build.rump, 0.8 * build.rump) * size
    hip = np.array([-0.5 * reach * np.cos(rise), height, 0.0])
    level = (drop - build.chest - build.hip * drop + build.rump) * size * np.cos(rise)
    return hip, hip + np.array([reach * np.cos(rise), level + reach * np.sin(rise), 0.0])


def _trunk(build: Build, coat: Coat, hip: Point, shoulder: Point) -> list[Capsule]:
    """Rump, loin, rib cage and withers; the belly is drawn up before the hips."""
    size = build.shoulder
    rump, waist, chest = build.rump * size, build.waist * size, build.chest * size
    loin = 0.6 * hip + 0.4 * shoulder + np.array([0, 0.25 * (chest - waist), 0])
    ribs = 0.18 * hip + 0.82 * shoulder + np.array([0, -0.06 * chest, 0])
    withers = shoulder + np.array([0.05 * chest, 0.18 * chest, 0])
    return chain(
        [hip, loin, ribs, withers],
        [rump, waist, chest, 0.82 * chest],
        [coat.rump, coat.back, coat.back, coat.back],
        belly=1.0,
        pattern=1.0,
    )


def _head(
    build: Build, coat: Coat, pose: Pose, base: Point
) -> tuple[list[Capsule], list[Point], Point]:
    """Neck, skull, muzzle, ears and antlers; the eyes and the nose."""
    size, radius = build.shoulder, build.head * build.shoulder
    up = build.neck_angle + pose.neck
    skull = base + direction(up, 0.4 * pose.turn) * build.neck * size
    skull[1] = max(skull[1], radius)
    ahead = direction(0.35 * up - 24 + pose.nod, pose.turn)
    side = direction(0, pose.turn + 90)
    crown = np.cross(side, ahead)
    nose = skull + ahead * (build.muzzle * size + 0.55 * radius)
    root = max(build.neck_radius * 1.45, build.chest * 0.72) * size
    throat = base - np.array([0.03, 0.05, 0]) * size
    mouth = [skull + (0.4 * ahead - 0.15 * crown) * radius, nose - 0.3 * radius * crown]
    snout = build.muzzle_radius * size
    parts = [
        *chain([throat, skull], [root, build.neck_radius * size], [coat.neck] * 2,
               belly=0.5, pattern=0.7, along=build.body * size),
        *chain([skull, skull + 0.3 * radius * ahead], [radius, 0.86 * radius], [coat.head] * 2,
               belly=0.5, pattern=0.7),
        *chain(mouth, [1.35 * snout, 0.75 * snout], [coat.head, coat.muzzle], belly=0.8),
    ]  # fmt: skip
    eyes = []
    for out in (-side, side):
        parts += _ear(build, coat, skull, ahead, crown, out)
        if pose.antlers:
            parts += _antler(build, skull + 0.7 * radius * crown, ahead, crown, out)
        eyes.append(skull + (0.5 * ahead + 0.36 * crown + 0.72 * out) * radius)
    return parts, eyes, nose - 0.25 * radius * crown


def _ear(
    build: Build, coat: Coat, skull: Point, ahead: Point, crown: Point, out: Point
) -> list[Capsule]:
    size, wide = build.shoulder, build.ear_radius * build.shoulder
    root = skull + (0.55 * crown + 0.6 * out - 0.2 * ahead) * build.head * size
    tip = root + (0.85 * crown + 0.5 * out - 0.25 * ahead) * build.ear * size
    return chain([root, tip], [wide, wide * (0.12 + 0.75 * build.ear_round)],
                 [coat.head, coat.ear])  # fmt: skip


def _antler(build: Build, root: Point, ahead: Point, crown: Point, out: Point) -> list[Capsule]:
    length, thick = build.antlers * build.shoulder, 0.022 * build.shoulder
    bend = root + (0.5 * crown + 0.45 * out - 0.35 * ahead) * length
    tines = [
        (root, bend),
        (bend, bend + (0.55 * crown + 0.1 * out + 0.1 * ahead) * length),
        (0.7 * root + 0.3 * bend, root + (0.35 * crown + 0.15 * out + 0.35 * ahead) * length),
        (bend, bend + (0.35 * crown + 0.35 * ahead) * length),
    ]
    return [one for tine in tines for one in chain(tine, [thick, 0.6 * thick], [ANTLER] * 2)]


def _legs(build: Build, coat: Coat, pose: Pose, hip: Point, shoulder: Point) -> list[Capsule]:
    """Four legs; left and right half a stride apart, hind a quarter after front (a walk)."""
    size = build.shoulder
    capsules = []
    for hand, beat in ((-1.0, 0.0), (1.0, 0.5)):
        for front in (True, False):
            girth = build.chest if front else build.rump
            root = (shoulder if front else hip) + np.array([0, -0.25, 0.55 * hand]) * girth * size
            foot = _foot(build, pose, root, beat=beat, front=front)
            capsules += _leg(build, coat, root, foot, front=front)
    return capsules


def _foot(build: Build, pose: Pose, root: Point, *, beat: float, front: bool) -> Point:
    size = build.shoulder
    phase = 2 * np.pi * (pose.phase + beat + (0.0 if front else 0.75))
    if front and root[1] > 1.4 * (1 - build.chest) * size:  # the paws of one that sits up hang
        return root + np.array([0.25, -0.3, 0]) * size
    forward = pose.stride * np.sin(phase) + (0.02 if front else -0.06)
    if pose.rear > 10 and not front:
        forward = 0.35 * build.body  # haunches fold forward
    lift = 0.35 * pose.stride * max(0.0, np.cos(phase))
    return np.array([root[0] + forward * size, lift * size, 0.85 * root[2]])


def _leg(build: Build, coat: Coat, root: Point, foot: Point, *, front: bool) -> list[Capsule]:
    size, thick = build.shoulder, build.leg * build.shoulder
    slack = max(0.0, (1 - build.chest) * size - float(np.linalg.norm(foot - root)))
    bend = (0.12 * size + 0.5 * slack) * (0.25 if front else -0.9)  # hocks point backwards
    thigh = 1.3 * thick + (0.22 if front else 0.5) * build.rump * size
    points = [
        root,
        0.5 * (root + foot) + np.array([bend, 0, 0]),
        foot + np.array([0, 0.9 * thick, 0]),
        foot + np.array([0.05 * size + 0.3 * thick, 0.6 * thick, 0]),
    ]
    return chain(
        points,
        [thigh, 1.3 * thick, 0.9 * thick, 0.8 * thick],
        [coat.back, coat.legs, coat.feet, coat.feet],
        belly=0.2,
        pattern=0.7,
    )


def _tail(build: Build, coat: Coat, pose: Pose, hip: Point) -> list[Capsule]:
    size, joints = build.shoulder, TAIL_JOINTS
    radii = np.interp(np.linspace(0, 2, joints + 1), [0, 1, 2], build.tail_radii) * size
    points = [hip + np.array([-0.75, 0.45, 0]) * build.rump * size]
    for share, radius in zip(np.linspace(0, 1, joints), radii[1:], strict=True):
        angle = build.tail_angle + pose.tail + build.tail_curl * share
        aim = direction(angle, pose.swish * share) * np.array([-1, 1, 1])
        point = points[-1] + aim * build.tail * size / joints
        point[1] = max(point[1], radius)  # lies on the ground, not in it
        points.append(point)
    colours = [coat.tail] * (joints - 1) + [coat.tail_tip] * 2
    return chain(points, list(radii), colours, pattern=0.9)
