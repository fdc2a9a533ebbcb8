from dataclasses import replace

import numpy as np
import pytest
import torch

from classification.config_learning import FinetuneConfig, SemiConfig
from classification.errors import FieldmarkError
from classification.learning.backbones import build_backbone, weights_hash
from classification.learning.crops import CropReader, Inputs, Preprocessing
from classification.learning.finetune import Labelled, finetune
from tests.tiny import CLASSES, crop


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crops")
    for i in range(90):
        rng = np.random.default_rng(i)
        crop(CLASSES[i % 3], i % 5, rng).save(folder / f"{i}.jpg")
    return folder


def items(start, stop):
    return Labelled(
        paths=[f"{i}.jpg" for i in range(start, stop)],
        labels=np.arange(start, stop, dtype=np.int64) % 3,
    )


def inputs(folder):
    return Inputs(
        reader=CropReader(folder, size=32, keep=True),
        preprocessing=Preprocessing(image_size=32, mean=(0.5,) * 3, std=(0.25,) * 3),
        device=torch.device("cpu"),
    )


def run(folder, *, train, val, seed=0, unlabelled=(), watch=lambda epoch: None, **fields):
    backbone = build_backbone("timm/test_resnet", "none", seed=0)
    trained = finetune(
        backbone,
        inputs(folder),
        train=train,
        val=val,
        dim=96,
        n_classes=3,
        config=FinetuneConfig(**({"epochs": 3, "batch_size": 8} | fields)),
        seed=seed,
        unlabelled=unlabelled,
        watch=watch,
    )
    return backbone, trained.epochs


def test_the_same_seed_trains_the_same_weights(folder):
    hashes = [
        weights_hash(run(folder, train=items(0, 20), val=items(40, 48), seed=s)[0])
        for s in (0, 0, 1)
    ]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize(("patience", "waited"), [(2, 7), (9, 9)])  # 15 steps an epoch
def test_training_stops_when_validation_gets_no_better(folder, patience, waited):
    hopeless = Labelled(paths=items(40, 48).paths, labels=(items(40, 48).labels + 1) % 3)
    recipe = {"epochs": 40, "batch_size": 2, "learning_rate": 1e-2, "patience": patience}
    losses = []
    _, epochs = run(
        folder,
        train=items(0, 30),
        val=hopeless,
        watch=lambda epoch: losses.append(epoch.val_loss),
        **recipe,
    )
    assert epochs == np.argmin(losses) + 1 + waited < 40


def test_few_labels_are_learned_from_random_weights_although_the_first_steps_bring_nothing(folder):
    """An epoch is one step here, and for dozens of them the batch norms know next to nothing."""
    losses = []
    backbone, epochs = run(
        folder,
        train=items(0, 18),
        val=items(60, 90),
        watch=lambda epoch: losses.append(epoch.val_loss),
        epochs=150,
        batch_size=64,
        patience=4,
        learning_rate=2e-3,
    )
    stale = [n - int(np.argmin(losses[:n])) - 1 for n in range(1, 20)]
    assert 4 in stale  # within 20 steps a patience of four would have ended it, at a loss of log 3
    assert min(losses[:20]) > 1.0
    assert epochs > 100
    assert min(losses) < 0.5
    assert nearest_class(backbone, folder, items(0, 18), items(0, 18)) > 0.9
    assert nearest_class(backbone, folder, items(0, 18), items(60, 90)) > 0.8


def nearest_class(backbone, folder, known, asked):
    """Share of the items whose embedding is nearest to the mean of their own class."""
    with torch.inference_mode():
        z, x = (torch.cat(list(inputs(folder).batches(part.paths, 16))) for part in (known, asked))
        z, x = backbone(z), backbone(x)
    means = torch.stack([z[torch.from_numpy(known.labels) == c].mean(0) for c in range(3)])
    return float((torch.cdist(x, means).argmin(1).numpy() == asked.labels).mean())


def test_validation_items_of_classes_without_a_label_do_not_judge(folder):
    """Their loss only grows: it would call the first epoch the best."""
    two = items(0, 30).take(np.flatnonzero(items(0, 30).labels < 2))
    known = items(40, 60).take(np.flatnonzero(items(40, 60).labels < 2))
    judged = [[], []]
    for val, seen in zip((items(40, 60), known), judged, strict=True):
        run(folder, train=two, val=val, watch=lambda epoch, seen=seen: seen.append(epoch.val_loss))
    assert judged[0] == judged[1]


def test_a_training_that_diverges_says_so(folder):
    with pytest.raises(FieldmarkError, match=r"epoch \d.*Set finetune\.learning_rate below 1e\+30"):
        run(folder, train=items(0, 30), val=items(40, 41).take(np.arange(0)), learning_rate=1e30)


def test_without_validation_items_all_epochs_run(folder):
    empty = Labelled(paths=[], labels=np.array([], dtype=np.int64))
    backbone, epochs = run(folder, train=items(0, 9), val=empty)  # the last batch holds one item
    assert epochs == 3
    assert not backbone.training


@pytest.mark.parametrize(
    "fields",
    [
        {"loss": "triplet", "mining": "semi_hard", "loader": "balanced", "optimiser": "adam"},
        {"loss": "siamese", "mining": "hard_pair", "loader": "balanced"},
        {"loss": "triplet", "loader": "single", "optimiser": "adam"},
    ],
)
def test_triplets_and_pairs_bring_classes_together(folder, fields):
    def apart(backbone):
        """Mean distance between classes over that within, on crops kept out of training."""
        kept = items(30, 40)
        with torch.inference_mode():
            z = backbone(torch.cat(list(inputs(folder).batches(kept.paths, 4))))
        distances, labels = torch.cdist(z, z), torch.from_numpy(kept.labels)
        same = labels[:, None] == labels[None, :]
        return float(distances[~same].mean() / distances[same].mean())

    recipe = {"epochs": 10, "samples_per_class": 5, "learning_rate": 3e-3, "weight_decay": 0.0}
    trained, _ = run(folder, train=items(0, 30), val=items(40, 48), **recipe, **fields)
    untrained = build_backbone("timm/test_resnet", "none", seed=0)
    assert apart(trained) > 1.15 * apart(untrained)


def test_validation_that_no_pair_can_be_made_of_runs_all_epochs(folder):
    one = items(40, 41)
    _, epochs = run(folder, train=items(0, 12), val=one, loss="triplet", patience=1, epochs=4)
    assert epochs == 4


def test_unlabelled_crops_change_the_training_and_the_seed_fixes_it(folder):
    semi = SemiConfig(weight=1.0, threshold=0.34, ratio=2)  # a guess between three classes
    pool = [f"{i}.jpg" for i in range(12, 40)]
    hashes = [
        weights_hash(
            run(folder, train=items(0, 12), val=items(40, 48), unlabelled=pool, semi=chosen)[0]
        )
        for chosen in (semi, semi, SemiConfig())
    ]
    without = weights_hash(run(folder, train=items(0, 12), val=items(40, 48))[0])
    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[2] == without  # off, the pool is not looked at


def test_fixmatch_takes_its_share_of_the_labels_there_are(folder):
    """Not of a batch that few labels do not fill: a step would take five times as long."""
    sizes = []

    class Counting(CropReader):
        def groups(self, groups):
            groups = list(groups)
            sizes.extend(map(len, groups))
            return super().groups(groups)

    pool = [f"{i}.jpg" for i in range(12, 40)]
    backbone = build_backbone("timm/test_resnet", "none", seed=0)
    finetune(
        backbone,
        replace(inputs(folder), reader=Counting(folder, size=32)),
        train=items(0, 12),
        val=items(40, 41).take(np.arange(0)),
        dim=96,
        n_classes=3,
        config=FinetuneConfig(epochs=1, batch_size=64, semi=SemiConfig(weight=1.0, ratio=2)),
        seed=0,
        unlabelled=pool,
    )
    assert sorted(sizes) == [12, 24]


def batch_norms(network):
    return [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]


def test_batch_norms_folded_into_convolutions_keep_their_statistics(folder, monkeypatch):
    """As in weights converted from a release for phones: a bias, but no statistics."""
    folded = build_backbone("timm/test_resnet", "none", seed=0)
    for layer in batch_norms(folded):
        torch.nn.init.constant_(layer.bias, 0.1)
    monkeypatch.setattr("tests.learning.test_finetune.build_backbone", lambda *_, **__: folded)
    for seed in (0, 1):  # in the second fine-tuning, too
        backbone, _ = run(folder, train=items(0, 20), val=items(40, 48), seed=seed)
        for layer in batch_norms(backbone):
            assert not layer.running_mean.any()
            assert (layer.running_var == 1).all()
            assert not torch.equal(layer.bias, torch.full_like(layer.bias, 0.1))  # it learns


def test_batch_norms_of_a_random_network_gather_statistics(folder):
    backbone, _ = run(folder, train=items(0, 20), val=items(40, 48))
    assert all(layer.running_mean.any() for layer in batch_norms(backbone))
