import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from classification.learning.augment import augment, strong, weak

ALL = [augment, weak, strong]


def generator(seed=3):
    return torch.Generator().manual_seed(seed)


def crops(n=32, size=24, seed=0):
    source = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=source)


@pytest.mark.parametrize("change", ALL)
def test_the_seed_fixes_it_and_the_batch_stays_as_it_was(change):
    batch = crops()
    before = batch.clone()
    first, again, other = (change(batch, generator(seed)) for seed in (3, 3, 4))
    assert first.dtype == torch.uint8
    assert first.shape == batch.shape
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(batch, before)


@given(st.integers(1, 5), st.integers(32, 40), st.integers(0, 99), st.sampled_from(ALL))
def test_any_batch_and_size_will_do(n, size, seed, change):
    assert change(crops(n, size, seed), generator(seed)).shape == (n, 3, size, size)


@pytest.mark.parametrize("change", [augment, strong])
def test_some_crops_turn_grey_and_some_keep_their_colour(change):
    spread = change(crops(200), generator()).float().std(dim=1).mean(dim=(1, 2))
    assert 0.2 < (spread < 3).float().mean() < 0.5  # a third, as under infrared


def test_the_weak_change_is_a_flip_and_a_shift_of_an_eighth():
    batch = torch.zeros(100, 3, 64, 64, dtype=torch.uint8)
    batch[:, 0, 28:36, 12:20] = 200  # a red square, left of the middle
    changed = weak(batch, generator()).float()
    assert (changed[:, 1:] == 0).all()
    mass = changed[:, 0] / changed[:, 0].sum(dim=(1, 2), keepdim=True)
    place = torch.arange(64).float()
    column = (mass.sum(dim=1) * place).sum(dim=1)
    row = (mass.sum(dim=2) * place).sum(dim=1)
    flipped = column > 31.5
    assert 0.35 < flipped.float().mean() < 0.65
    assert (torch.where(flipped, 63 - column, column) - 15.5).abs().max() < 8.5
    assert (row - 31.5).abs().max() < 8.5


def test_a_dim_infrared_crop_stays_recognisable():
    """Noise and light follow the crop's own contrast: the animal must not drown in them."""
    rng = np.random.default_rng(0)
    pixels = np.full((60, 60), 20.0)
    pixels[15:45, 10:50] = 45  # an animal twice as light as a dark night
    pixels += rng.normal(0, 2, pixels.shape)
    batch = torch.from_numpy(pixels.clip(0, 255).astype(np.uint8)).expand(100, 3, 60, 60)
    changed = augment(batch, generator()).float().mean(dim=1)
    animal, night = changed[:, 25:35, 25:35], changed[:, [2, -3]][:, :, [2, -3]]
    gap = animal.mean(dim=(1, 2)) - night.mean(dim=(1, 2))
    assert (gap > 0).float().mean() > 0.95
    assert (gap / changed.std(dim=(1, 2))).median() > 1


def test_the_strong_change_hides_a_square_of_about_half_of_the_crops():
    smooth = torch.linspace(0, 255, 64).round().to(torch.uint8).expand(200, 3, 64, 64)
    changed = strong(smooth, generator()).float()
    flat = (changed.diff(dim=3).abs().amax(dim=1) < 0.5).float()  # a row of equal neighbours
    longest = torch.nn.functional.avg_pool2d(flat, (8, 10), stride=1).amax(dim=(1, 2))
    assert 0.25 < (longest == 1).float().mean() < 0.8
