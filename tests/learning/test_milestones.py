"""A training that is stopped ends as if it had not been."""

import numpy as np
import pytest
import torch
from torch import nn

from classification.config_learning import FinetuneConfig, SemiConfig
from classification.learning import finetune as finetune_module
from classification.learning.backbones import build_backbone, weights_hash
from classification.learning.crops import CropReader, Inputs, Preprocessing
from classification.learning.finetune import Labelled, finetune
from classification.learning.milestones import Milestones
from tests.tiny import CLASSES, crop

RECIPES = {
    "one cycle": FinetuneConfig(epochs=3, batch_size=8),
    "plateau": FinetuneConfig(epochs=3, batch_size=8, optimiser="sgd", schedule="plateau"),
    "patience": FinetuneConfig(epochs=25, batch_size=2, patience=1, learning_rate=0.1),
    "fixmatch": FinetuneConfig(
        epochs=3, batch_size=8, semi=SemiConfig(weight=1.0, threshold=0.3, ratio=1)
    ),
}


class StoppedError(Exception):
    """Stands for a kill."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crops")
    for i in range(30):
        crop(CLASSES[i % 3], i % 5, np.random.default_rng(i)).save(folder / f"{i}.jpg")
    return folder


def train(folder, recipe, milestones=None, *, stop_after=None):
    """Hash of the weights it ends with, and the epochs that were run here."""
    backbone = nn.Sequential(build_backbone("timm/test_resnet", "none", seed=0), nn.Dropout(0.2))
    run = []

    def watch(epoch):
        run.append(epoch.number)

    class Stopping(Milestones):
        def reached(self, state):
            super().reached(state)
            if stop_after == run[-1]:
                raise StoppedError

    kept = Stopping(path=milestones, seconds=0) if milestones else None
    labels = np.arange(18) % 3
    finetune(
        backbone,
        Inputs(
            reader=CropReader(folder, size=32, keep=True),
            preprocessing=Preprocessing(image_size=32, mean=(0.5,) * 3, std=(0.25,) * 3),
            device=torch.device("cpu"),
        ),
        train=Labelled(paths=[f"{i}.jpg" for i in range(18)], labels=labels),
        val=Labelled(paths=[f"{i}.jpg" for i in range(18, 24)], labels=labels[:6]),
        unlabelled=[f"{i}.jpg" for i in range(24, 30)],
        dim=96,
        n_classes=3,
        config=recipe,
        seed=0,
        milestones=kept,
        watch=watch,
    )
    return weights_hash(backbone), run


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_stopped_after_any_epoch_it_ends_with_the_same_weights(folder, tmp_path, recipe):
    whole, epochs = train(folder, recipe)
    assert (len(epochs) < recipe.epochs) == (recipe.patience == 1)
    for stop in epochs[:-1][-4:]:
        path = tmp_path / f"{stop}.pt"
        with pytest.raises(StoppedError):
            train(folder, recipe, path, stop_after=stop)
        torch.rand(7)  # another process draws other numbers in between
        assert train(folder, recipe, path) == (whole, epochs[stop:])


def test_on_a_gpu_its_own_random_numbers_are_kept_too(monkeypatch):
    """Dropout there draws from them."""
    gpu = {"draws": torch.arange(4, dtype=torch.uint8)}
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: gpu["draws"].clone())
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: gpu.update(draws=state))
    at = finetune_module._Progress(rng=np.random.default_rng(0), device=torch.device("cuda", 0))
    state = at.state()
    gpu["draws"] = torch.zeros(4, dtype=torch.uint8)
    at.restore(state)
    assert gpu["draws"].tolist() == [0, 1, 2, 3]


def test_a_damaged_state_is_passed_over(folder, tmp_path):
    recipe, path = RECIPES["one cycle"], tmp_path / "state.pt"
    with pytest.raises(StoppedError):
        train(folder, recipe, path, stop_after=1)
    path.write_bytes(path.read_bytes()[:1000])
    assert train(folder, recipe, path) == train(folder, recipe)


def test_states_are_written_now_and_then_and_gone_in_the_end(tmp_path):
    kept = Milestones(path=tmp_path / "state.pt", seconds=3600)
    kept.reached(lambda: {"a": 1})
    assert kept.read() is None
    kept.seconds = 0
    kept.reached(lambda: {"a": torch.ones(2), "b": [None, 1.5, "x"]})
    found = kept.read()
    assert found is not None
    assert found["b"] == [None, 1.5, "x"]
    kept.over()
    assert kept.read() is None
    assert Milestones().read() is None
