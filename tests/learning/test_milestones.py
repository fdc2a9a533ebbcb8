"""A training that is stopped ends as if it had not been."""

import errno
from itertools import count

import numpy as np
import pytest
import torch
from torch import nn

from classification.config_learning import FinetuneConfig, SemiConfig
from classification.errors import FieldmarkError
from classification.learning import finetune as finetune_module
from classification.learning import milestones as milestones_module
from classification.learning.backbones import build_backbone, weights_hash
from classification.learning.crops import CropReader, Inputs, Preprocessing
from classification.learning.finetune import Labelled, finetune
from classification.learning.milestones import Milestones
from classification.learning.stop import StopRequest
from tests.tiny import CLASSES, crop

# 18 labels: three steps an epoch by 8, nine by 2
RECIPES = {
    "one cycle": FinetuneConfig(epochs=3, batch_size=8),
    "plateau": FinetuneConfig(epochs=3, batch_size=8, optimiser="sgd", schedule="plateau"),
    "patience": FinetuneConfig(epochs=25, batch_size=2, patience=1, learning_rate=0.1),
    "triplets": FinetuneConfig(
        epochs=2, loss="triplet", loader="balanced", classes_per_batch=2, samples_per_class=3
    ),
    "fixmatch": FinetuneConfig(
        epochs=3, batch_size=8, semi=SemiConfig(weight=1.0, threshold=0.3, ratio=1)
    ),
}


class StoppedError(Exception):
    """Stands for a kill."""


class Stopping(Milestones):
    """Kills after so many calls; within an epoch they are one a step, and one more after it."""

    calls = 0
    last = 10**9

    def reached(self, state):
        super().reached(state)
        self.calls += 1
        if self.calls == self.last:
            raise StoppedError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crops")
    for i in range(30):
        crop(CLASSES[i % 3], i % 5, np.random.default_rng(i)).save(folder / f"{i}.jpg")
    return folder


def train(folder, recipe, milestones=None):
    """Hash of the weights it ends with, and what the epochs that ended here came to."""
    backbone = nn.Sequential(build_backbone("timm/test_resnet", "none", seed=0), nn.Dropout(0.2))
    run = []
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
        milestones=milestones,
        watch=lambda epoch: run.append(repr(epoch)),
    )
    return weights_hash(backbone), run


def killed(folder, recipe, path, *, after, **fields):
    """Train until so many calls were made; every one of them writes."""
    kept = Stopping(path=path, **{"seconds": 0, **fields})
    kept.last = after
    with pytest.raises(StoppedError):
        train(folder, recipe, kept)
    torch.rand(7)  # another process draws other numbers in between


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_stopped_after_any_step_it_ends_with_the_same_weights_and_losses(folder, tmp_path, recipe):
    kept = Stopping(path=tmp_path / "whole.pt", seconds=3600)
    whole, epochs = train(folder, recipe, kept)
    assert (len(epochs) < recipe.epochs) == (recipe.patience == 1)
    steps = kept.calls // len(epochs)
    assert steps >= 3
    # every step of the second epoch, its end before and after validation among them
    for last in range(steps + 1, 2 * steps + 1 if recipe.batch_size > 2 else steps + 4):
        path = tmp_path / f"{last}.pt"
        killed(folder, recipe, path, after=last)
        over = last // steps
        assert train(folder, recipe, Milestones(path=path)) == (whole, epochs[over:])


def test_stopped_again_and_again_within_one_epoch_it_gets_there(folder, tmp_path):
    recipe, path = RECIPES["fixmatch"], tmp_path / "state.pt"
    for times in count(1):
        kept = Stopping(path=path, seconds=0)
        kept.last = 2
        try:
            ended = train(folder, recipe, kept)
        except StoppedError:
            continue
        assert times > 3
        assert ended[0] == train(folder, recipe)[0]
        return


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


def test_a_damaged_state_gives_way_to_the_one_before(folder, tmp_path, capsys):
    recipe, path, older = RECIPES["one cycle"], tmp_path / "state.pt", tmp_path / "older.pt"
    killed(folder, recipe, path, after=6, older=older)
    path.write_bytes(path.read_bytes()[:1000])
    whole, epochs = train(folder, recipe)
    again = Stopping(path=path, older=older, seconds=3600)
    assert train(folder, recipe, again) == (whole, epochs[1:])
    assert again.calls == 12 - 5
    assert "state.pt is damaged" in capsys.readouterr().err
    for damaged in (path, older):
        damaged.write_bytes(b"PK")
    assert train(folder, recipe, Milestones(path=path, older=older)) == (whole, epochs)


@pytest.mark.parametrize("fault", ["in the file", "by torch", "at the rename"])
def test_a_full_disk_costs_a_warning_and_neither_training_nor_older_state(
    folder, tmp_path, monkeypatch, capsys, fault
):
    recipe, path, older = RECIPES["one cycle"], tmp_path / "state.pt", tmp_path / "older.pt"
    whole, epochs = train(folder, recipe)
    killed(folder, recipe, path, after=5, older=older)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    def full_for_torch(state, target):
        target.write_bytes(b"half")
        raise RuntimeError("[enforce fail] . PytorchStreamWriter failed writing file data/0")

    if fault == "at the rename":
        monkeypatch.setattr("classification.files._fsync", full)
    else:
        broken = full if fault == "in the file" else full_for_torch
        monkeypatch.setattr(milestones_module.torch, "save", broken)
    kept = Milestones(path=path, older=older, seconds=0)
    kept.over = lambda: None
    assert train(folder, recipe, kept) == (whole, epochs[1:])
    assert "the state of the training was not kept" in capsys.readouterr().err
    newest = path if path.exists() else older
    assert newest.read_bytes() == before
    assert not list(tmp_path.glob("*.tmp"))
    monkeypatch.undo()
    assert train(folder, recipe, Milestones(path=path, older=older)) == (whole, epochs[1:])


def test_a_state_by_the_version_before_is_gone_on_from(folder, tmp_path):
    """It was written after whole epochs, without what an epoch has come to."""
    recipe, path = RECIPES["fixmatch"], tmp_path / "state.pt"
    killed(folder, recipe, path, after=4)
    state = torch.load(path, weights_only=True)
    assert state.pop("format") == 2
    for name in ("losses", "right"):
        del state["trainer"][name]
    torch.save(state, path)
    whole, epochs = train(folder, recipe)
    assert train(folder, recipe, Milestones(path=path)) == (whole, epochs[1:])


def test_a_state_by_a_later_version_is_refused(folder, tmp_path):
    torch.save({"format": 3}, tmp_path / "state.pt")
    with pytest.raises(FieldmarkError, match=r"later version of Fieldmark.*delete the file"):
        train(folder, RECIPES["one cycle"], Milestones(path=tmp_path / "state.pt"))


def test_asked_to_end_it_writes_after_the_step_and_leaves(folder, tmp_path):
    recipe, path = RECIPES["one cycle"], tmp_path / "state.pt"

    def leave():
        raise StoppedError

    stop = StopRequest(leave)
    assert stop.ready
    asking = Stopping(path=path, seconds=3600, stop=stop)
    reached, seen = asking.reached, []

    def ask_at_the_fifth(state):
        seen.append(stop.ready)
        if len(seen) == 5:
            stop.ask()
        reached(state)

    asking.reached = ask_at_the_fifth
    with pytest.raises(StoppedError):
        train(folder, recipe, asking)
    assert seen == [False] * 5
    assert stop.wait(0)
    whole, epochs = train(folder, recipe)
    assert train(folder, recipe, Milestones(path=path)) == (whole, epochs[1:])


def test_states_are_written_now_and_then_and_gone_in_the_end(tmp_path):
    kept = Milestones(path=tmp_path / "state.pt", older=tmp_path / "older.pt", seconds=3600)
    kept.reached(lambda: {"a": 1})
    assert kept.read() is None
    kept.seconds = 0
    kept.reached(lambda: {"a": torch.zeros(2)})
    kept.reached(lambda: {"a": torch.ones(2), "b": [None, 1.5, "x"]})
    found = kept.read()
    assert found is not None
    assert found["b"] == [None, 1.5, "x"]
    kept.over()
    assert kept.read() is None
    assert not list(tmp_path.iterdir())
    assert Milestones().read() is None
