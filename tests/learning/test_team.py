"""Two real processes compute what one process computes."""

import multiprocessing
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import distributed, nn

from classification.config_learning import FinetuneConfig, SemiConfig
from classification.learning.backbones import build_backbone
from classification.learning.crops import CropReader, Inputs, Preprocessing
from classification.learning.embeddings import Items, Kind, embed_items
from classification.learning.finetune import Labelled, finetune
from classification.learning.milestones import Milestones
from classification.learning.serve import serve
from classification.learning.team import ALONE, Part, Team, end_process
from classification.learning.team_norm import whole_statistics

PREPROCESSING = Preprocessing(image_size=32, mean=(0.5,) * 3, std=(0.25,) * 3)
CROPS = 37  # no multiple of anything here
# plain descent: Adam makes a step of full size of a gradient that is zero but for rounding
RECIPE = FinetuneConfig(optimiser="sgd", schedule="constant", learning_rate=0.01, augment="camera")


def make_crops(folder: Path) -> list[str]:
    rng = np.random.default_rng(0)
    names = [f"{i:02d}.png" for i in range(CROPS)]
    for number, name in enumerate(names):
        pixels = rng.integers(0, 128, (32, 32, 3)) + 60 * (number % 3)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
    return names


def inputs(folder: Path, team: Team) -> Inputs:
    return Inputs(
        reader=CropReader(folder, size=32, threads=1),
        preprocessing=PREPROCESSING,
        device=torch.device("cpu"),
        forward_batch=4,
        team=team,
    )


def train(
    folder: Path, team: Team, config: FinetuneConfig, milestones: Milestones | None = None
) -> dict[str, torch.Tensor]:
    names = make_crops(folder) if team.rank == 0 else []
    backbone = build_backbone("timm/test_resnet", "none", seed=0)
    labels = np.arange(24) % 3
    finetune(
        backbone,
        inputs(folder, team),
        train=Labelled(paths=names[:24], labels=labels),
        val=Labelled(paths=names[24:31], labels=labels[:7]),
        unlabelled=names[31:],
        dim=96,
        n_classes=3,
        config=config,
        seed=0,
        milestones=milestones,
    )
    return backbone.state_dict()


class Copying(Milestones):
    """Keeps what a kill after the second step of the second epoch would have left."""

    calls = 0

    def reached(self, state):
        super().reached(state)
        self.calls += 1
        if self.calls == 6 and self.path:
            shutil.copyfile(self.path, self.path.with_suffix(".sixth"))


def stopped(folder: Path, team: Team) -> dict[str, torch.Tensor]:
    """Weights of a training that goes on in the middle of its second epoch."""
    config, path = replace(RECIPES["softmax"], batch_size=8), folder / "state.pt"
    whole = train(folder, team, config, Copying(path=path, seconds=0))
    again = train(folder, team, config, Milestones(path=path.with_suffix(".sixth"), seconds=3600))
    return {key: torch.stack([whole[key], again[key]]) for key in whole}


def embed(folder: Path, team: Team) -> np.ndarray:
    names = make_crops(folder)
    items = Items(paths=names, sha256=[f"{i // 2:064d}" for i in range(CROPS)])
    kind = Kind(weights="w", preprocessing=PREPROCESSING, dim=96)
    backbone = build_backbone("timm/test_resnet", "none", seed=0)
    store = folder / f"store{team.size}"
    return np.array(embed_items(backbone, inputs(folder, team), items, kind=kind, folder=store))


def norm(folder: Path, team: Team) -> dict[str, torch.Tensor]:
    """A batch of 5 through layers of batch norm, forwards and backwards."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    network.append(nn.LazyLinear(6)).append(nn.BatchNorm1d(6, momentum=None))
    whole = torch.randn(5, 3, 8, 8)
    network(whole)  # the lazy layer takes its shape
    network[1].reset_running_stats()
    network[5].reset_running_stats()
    with whole_statistics(network, team):
        outputs = team.whole(network(team.part(5).cut(whole)), 5)
        (outputs * torch.linspace(0, 1, 30).reshape(5, 6)).square().mean().backward()
        team.add_gradients(network.parameters())
    grads = {f"grad {k}": p.grad for k, p in network.named_parameters() if p.grad is not None}
    return {"outputs": outputs.detach(), **network.state_dict(), **grads}


RECIPES = {
    "softmax": replace(RECIPE, epochs=2, batch_size=16),
    "triplet": replace(
        RECIPE,
        epochs=2,
        loss="triplet",
        loader="balanced",
        classes_per_batch=3,
        samples_per_class=3,
    ),
    "fixmatch": replace(RECIPE, epochs=1, batch_size=8, semi=SemiConfig(weight=1.0, threshold=0.2)),
}


def work(rank: int, folder: Path) -> None:
    """A process of a team of two; the first leads and stores what all the tests look at."""
    torch.set_num_threads(1)
    team = Team(rank=rank, size=2, local_rank=rank, local_size=2)
    address = f"file://{folder / 'meeting'}"
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    found = {"norm": norm(folder, team)}
    if rank:
        serve(inputs(folder, team))
    else:
        found["embed"] = {"rows": torch.from_numpy(embed(folder, team))}
        found |= {name: train(folder, team, recipe) for name, recipe in RECIPES.items()}
        found["stopped"] = stopped(folder, team)
        team.tell(None)
        torch.save(found, folder / "found.pt")
    team.wait()
    end_process(team)


@pytest.fixture(scope="module")
def by_two(tmp_path_factory):
    """What two processes compute: they start once, which takes longer than all they do."""
    folder = tmp_path_factory.mktemp("team")
    context = multiprocessing.get_context("spawn")
    ranks = [context.Process(target=work, args=(rank, folder)) for rank in range(2)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(600)
    assert [process.exitcode for process in ranks] == [0, 0]
    return torch.load(folder / "found.pt", weights_only=True)


def difference(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    assert a.keys() == b.keys()
    return max(float((a[key].double() - b[key].double()).abs().max()) for key in a)


def test_batch_norm_sees_the_whole_batch(tmp_path, by_two):
    assert difference(norm(tmp_path, ALONE), by_two["norm"]) < 1e-5


def test_embeddings_are_equal_bit_by_bit(tmp_path, by_two):
    np.testing.assert_array_equal(embed(tmp_path, ALONE), by_two["embed"]["rows"].numpy())


@pytest.mark.parametrize("name", RECIPES)
def test_training_by_two_ends_with_the_weights_of_one(tmp_path, by_two, name):
    alone = train(tmp_path, ALONE, RECIPES[name])
    untrained = build_backbone("timm/test_resnet", "none", seed=0).state_dict()
    moved = difference(alone, untrained)
    assert moved > 0.01
    # what rounding makes of sums in another order, within a few steps
    assert difference(by_two[name], alone) < 0.01 * moved


def test_stopped_within_an_epoch_two_go_on_bit_by_bit(by_two):
    for key, (whole, again) in by_two["stopped"].items():
        assert torch.equal(whole, again), key


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_parts_are_disjoint_in_order_and_even(size):
    for n in (0, 1, 5, 20):
        parts = [Team(rank=rank, size=size).part(n) for rank in range(size)]
        rows = [i for part in parts for i in range(part.start, part.stop)]
        assert rows == list(range(n))
        sizes = [part.stop - part.start for part in parts]
        assert max(sizes) - min(sizes) <= 1
        assert all(part.of == n for part in parts)


def test_a_part_cuts_its_rows():
    whole = torch.arange(10)
    assert Part(start=2, stop=5, of=10).cut(whole).tolist() == [2, 3, 4]
    assert Part.whole(10).cut(whole).tolist() == list(range(10))
