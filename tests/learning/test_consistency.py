import math

import numpy as np
import pytest
import torch
from PIL import Image

from classification.config_learning import SemiConfig
from classification.learning.consistency import Unlabelled, consistency_loss
from classification.learning.crops import CropReader, Inputs, Preprocessing


def test_only_sure_guesses_are_taught_and_the_mean_is_over_all():
    guesses = torch.tensor([[5.0, 0.0], [0.1, 0.0], [0.0, 4.0]])
    answers = torch.zeros(3, 2, requires_grad=True)
    loss = consistency_loss(guesses, answers, threshold=0.95)
    assert loss.item() == pytest.approx(2 / 3 * math.log(2))
    loss.backward()
    assert answers.grad[1].tolist() == [0, 0]  # the unsure one
    assert answers.grad[0, 0] < 0 < answers.grad[2, 0]


def test_guesses_get_no_gradient():
    guesses = torch.full((2, 2), 3.0, requires_grad=True)
    answers = torch.zeros(2, 2, requires_grad=True)
    consistency_loss(guesses, answers, threshold=0.4).backward()
    assert guesses.grad is None


@pytest.fixture
def inputs(tmp_path):
    for i in range(7):
        Image.fromarray(np.full((40, 40, 3), 30 * i, np.uint8)).save(tmp_path / f"{i}.png")
    return Inputs(
        reader=CropReader(tmp_path, size=32),
        preprocessing=Preprocessing(image_size=32, mean=(0.0,) * 3, std=(1.0,) * 3),
        device=torch.device("cpu"),
    )


def test_every_step_gets_both_changes_of_the_same_crops_and_all_come_in_turn(inputs):
    pool = Unlabelled(
        [f"{i}.png" for i in range(7)],
        inputs,
        SemiConfig(weight=1.0, ratio=3),
        batch_size=7,
        seed=0,
    )
    pairs = list(pool.pairs(2, torch.Generator().manual_seed(0)))
    assert [tuple(len(side) for side in pair) for pair in pairs] == [(21, 21), (21, 21)]
    levels = torch.cat([weak for weak, _ in pairs])[:, 0, 16, 16] * 255 / 30
    assert torch.bincount(levels.round().long()).tolist() == [6] * 7
    weak, strong = pairs[0]
    black = weak[:, 0, 16, 16] == 0
    assert (strong[black].amax(dim=(1, 2, 3)) < 0.05).all()  # black stays black: the same crops


@pytest.mark.parametrize("config", [SemiConfig(), SemiConfig(weight=1.0)])
def test_off_or_without_a_pool_nothing_is_read(inputs, config):
    paths = ["0.png"] if config.weight == 0 else []
    pool = Unlabelled(paths, inputs, config, batch_size=4, seed=0)
    assert list(pool.pairs(3, torch.Generator())) == [(), (), ()]
