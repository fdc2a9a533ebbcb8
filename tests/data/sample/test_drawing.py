"""Scenes and animals: what a look at a picture would tell."""

import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from classification.data.sample.figure import Pose
from classification.data.sample.frames import shoot
from classification.data.sample.fur import Fur
from classification.data.sample.noise import fractal, smoothstep, stretched
from classification.data.sample.scenes import Scene, build_scene
from classification.data.sample.schedule import START, Sequence
from classification.data.sample.skeleton import build_figure
from classification.data.sample.species import SPECIES
from classification.data.sample.sprites import Sprite, draw, view_matrix
from classification.data.sample.storage import rotated_for_storage

RNG = np.random.default_rng(0)
COARSE, FINE = fractal(RNG, beta=2.0), fractal(RNG, beta=1.0)
NOON, MIDNIGHT = START.replace(hour=12), START.replace(hour=0, minute=30)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [build_scene(seed=0, location=n, width=160, height=120) for n in range(4)]


def sprite(name: str, pose: Pose, *, height: float = 60.0) -> Sprite:
    """A species at `height` pixels to the shoulder."""
    species = SPECIES[name]
    size = species.build.shoulder
    fur = Fur(coat=species.coat, size=size, coarse=COARSE, fine=FINE, shift=3)
    figure = build_figure(species.build, species.coat, pose)
    return draw(figure, fur, pose, scale=height / size, elevation=5.0)


def burst(species: tuple[str, ...], *, night: bool, frames: int = 3) -> Sequence:
    start = MIDNIGHT if night else NOON
    return Sequence(
        location=1, index=0, start=start, frames=frames, interval=1, species=species
    )  # fmt: skip


def test_scenes_differ_between_locations(scenes: list[Scene]) -> None:
    for one, other in combinations(scenes, 2):
        if one.colour.shape == other.colour.shape:
            assert np.abs(one.colour - other.colour).mean() > 0.05


def test_another_seed_draws_other_places(scenes: list[Scene]) -> None:
    other = build_scene(seed=1, location=0, width=160, height=120)
    assert np.abs(other.colour - scenes[0].colour).mean() > 0.03


def test_scenes_are_nearer_towards_the_bottom(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert np.median(scene.depth[-20:]) < np.median(scene.depth[:20])
        assert scene.depth.min() > 0.3


@pytest.mark.parametrize("name", SPECIES)
def test_an_animal_is_one_solid_shape_of_about_its_size(name: str) -> None:
    drawn = sprite(name, Pose(heading=0.0))
    rows, columns = np.nonzero(drawn.alpha > 0.5)
    assert 0.15 < (drawn.alpha > 0.5).mean() < 0.8
    assert 55 < np.ptp(rows) < 260
    assert np.ptp(columns) > 60
    assert drawn.colour.shape == (3, *drawn.alpha.shape)
    assert np.isfinite(drawn.colour).all()


@pytest.mark.parametrize("name", SPECIES)
def test_facing_left_mirrors_facing_right(name: str) -> None:
    right, left = (sprite(name, Pose(heading=h)).alpha > 0.5 for h in (0.0, 180.0))
    height = min(right.shape[0], left.shape[0])
    width = min(right.shape[1], left.shape[1])
    mirrored = left[:height, ::-1][:, :width]
    assert (right[:height, :width] == mirrored).mean() > 0.85


def test_an_animal_is_shorter_seen_from_the_front() -> None:
    side, front = (np.ptp(np.nonzero(sprite("deer", Pose(heading=h)).alpha > 0.5)[1])
                   for h in (0.0, 90.0))  # fmt: skip
    assert front < 0.6 * side


def test_look_alikes_are_more_alike_than_strangers() -> None:
    def outline(name: str) -> np.ndarray:
        alpha = Image.fromarray(sprite(name, Pose(heading=0.0)).alpha)
        return np.asarray(alpha.resize((48, 48)))

    def gap(one: str, other: str) -> float:
        return float(np.abs(outline(one) - outline(other)).mean())

    for one, twin, stranger in [
        ("deer", "elk", "fox"),
        ("fox", "coyote", "squirrel"),
        ("bobcat", "deer", "squirrel"),
    ]:
        assert 0.02 < gap(one, twin) < gap(one, stranger)


def test_eyes_show_from_the_front_and_not_from_behind() -> None:
    assert len(sprite("fox", Pose(heading=-90.0)).eyes) == 2
    assert not sprite("fox", Pose(heading=90.0)).eyes


def test_eyes_shine_at_night(scenes: list[Scene]) -> None:
    frames = shoot(0, scenes[1], burst(("deer",), night=True))
    assert max(int(frame.pixels[:-14].max()) for frame in frames) > 200


def test_an_animal_moves_within_a_burst_and_stays_itself(scenes: list[Scene]) -> None:
    for seed in range(6):
        frames = shoot(seed, scenes[1], burst(("coyote",), night=False, frames=5))
        boxes = [box for frame in frames for name, box in frame.boxes if name == "coyote"]
        assert len({tuple(box) for box in boxes}) == len(boxes)


def test_the_box_holds_what_the_animal_changed(scenes: list[Scene]) -> None:
    found = 0
    for seed in range(8):
        frames = shoot(seed, scenes[2], burst(("elk",), night=False, frames=1))
        if not frames[0].boxes:
            continue
        still = replace(scenes[2], colour=scenes[2].colour)
        (_, (x, y, width, height)) = frames[0].boxes[0]
        empty = shoot(seed, still, burst((), night=False, frames=1))[0].pixels.astype(int)
        change = np.abs(frames[0].pixels.astype(int) - empty).mean(axis=2)[:-14]
        inside = np.zeros(change.shape, dtype=bool)
        inside[int(y) : int(y + height) + 1, int(x) : int(x + width) + 1] = True
        found += change[inside].mean() > 1.5 * change[~inside].mean()
    assert found >= 6


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_stored_pixels_come_back_upright(orientation: int) -> None:
    upright = np.random.default_rng(0).integers(0, 255, (6, 9, 3), dtype=np.uint8)
    stored = Image.fromarray(rotated_for_storage(upright, orientation))
    stored.getexif()[0x0112] = orientation
    np.testing.assert_array_equal(np.asarray(ImageOps.exif_transpose(stored)), upright)


@given(heading=st.floats(-720, 720), elevation=st.floats(0, 60))
def test_views_keep_lengths(heading: float, elevation: float) -> None:
    matrix = view_matrix(heading, elevation)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20))
def test_smoothstep_rises_from_0_to_1(values: list[float]) -> None:
    steps = smoothstep(np.sort(np.array(values)), -1.0, 1.0)
    assert (np.diff(steps) >= 0).all()
    assert (steps >= 0).all()
    assert (steps <= 1).all()


def test_noise_tiles_without_a_seam() -> None:
    tile = fractal(np.random.default_rng(1), beta=2.0)
    wide = stretched(tile, (64, 1024), rows=1, columns=2, offset=(0, 0))
    steps = np.abs(np.diff(wide, axis=1)).mean(axis=0)
    assert steps[511] < 3 * steps.mean()
    assert tile.std() == pytest.approx(1, abs=1e-3)


def test_options_need_no_heavy_package(root: Path) -> None:
    code = (
        "import sys, classification.data.sample.options;"
        "sys.exit(bool({'numpy', 'scipy', 'PIL', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
