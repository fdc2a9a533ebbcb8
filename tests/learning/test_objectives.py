import numpy as np
import pytest
import torch
from torch.nn import functional as F

from classification.config_learning import MINING, FinetuneConfig
from classification.learning.mining import PAIRS, TRIPLETS
from classification.learning.objectives import OBJECTIVES, CrossEntropy, Siamese, Triplet

LABELS = torch.tensor([0, 0, 0, 1, 1, 2])


def points(seed=0, spread=1.0):
    source = torch.Generator().manual_seed(seed)
    return (torch.randn(len(LABELS), 4, generator=source) * spread).requires_grad_()


def distance(z, i, j):
    return float((z[i] - z[j]).detach().norm())


def test_triplet_loss_is_the_hinge_of_the_mined_triplets():
    z = points()
    loss = Triplet(FinetuneConfig(loss="triplet", mining="hardest", margin=0.5)).loss(
        z, LABELS, torch.Generator()
    )
    triplets = TRIPLETS["hardest"](torch.cdist(z, z).detach(), LABELS, margin=0.5, generator=None)
    hinges = [max(0, distance(z, a, p) - distance(z, a, n) + 0.5) for a, p, n in triplets.tolist()]
    assert loss.item() == pytest.approx(np.mean(hinges), abs=1e-4)


def test_siamese_loss_is_hadsells():
    z = points()
    loss = Siamese(FinetuneConfig(loss="siamese", mining="hard_pair", margin=2.0)).loss(
        z, LABELS, torch.Generator()
    )
    near, far = PAIRS["hard_pair"](torch.cdist(z, z).detach(), LABELS, generator=None)
    terms = [distance(z, i, j) ** 2 for i, j in near.tolist()]
    terms += [max(0, 2.0 - distance(z, i, j)) ** 2 for i, j in far.tolist()]
    assert loss.item() == pytest.approx(np.mean(terms), abs=1e-4)


@pytest.mark.parametrize(
    ("loss", "mining"), [(loss, mining) for loss, all_ in MINING.items() for mining in all_]
)
def test_following_the_gradient_moves_classes_apart(loss, mining):
    objective = OBJECTIVES[loss](FinetuneConfig(loss=loss, mining=mining))
    z, source = points(spread=0.5), torch.Generator().manual_seed(0)
    for _ in range(300):
        objective.loss(z, LABELS, source).backward()
        with torch.no_grad():
            z -= 0.1 * z.grad
        z.grad = None
    distances = torch.cdist(z, z)
    same = LABELS[:, None] == LABELS[None, :]
    assert distances[same].max() < distances[~same].min()


@pytest.mark.parametrize("loss", ["triplet", "siamese"])
def test_points_that_coincide_and_batches_of_one_class_have_a_finite_gradient(loss):
    objective = OBJECTIVES[loss](FinetuneConfig(loss=loss))
    for labels in (LABELS, torch.zeros(6, dtype=torch.int64), torch.arange(6)):
        z = torch.ones(6, 4, requires_grad=True)
        value = objective.loss(z, labels, torch.Generator().manual_seed(0))
        value.backward()
        assert torch.isfinite(value)
        assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("loss", ["triplet", "siamese"])
def test_an_item_is_judged_by_how_many_negatives_are_nearer_than_its_positives(loss):
    z = points()
    for scale in (0.01, 1, 100):  # whatever the scale of the embedding
        each = OBJECTIVES[loss](FinetuneConfig(loss=loss)).each(z * scale, LABELS)
        wrong = [distance(z, 3, n) < distance(z, 3, 4) for n in (0, 1, 2, 5)]
        assert each[3].item() == pytest.approx(np.mean(wrong))  # one positive, four negatives
        assert torch.isnan(each[5])  # alone in its class


def test_cross_entropy_smooths_in_training_only():
    objective = CrossEntropy(FinetuneConfig(label_smoothing=0.2))
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    smoothed = F.cross_entropy(logits, LABELS, label_smoothing=0.2)
    assert torch.equal(objective.loss(logits, LABELS, torch.Generator()), smoothed)
    plain = F.cross_entropy(logits, LABELS)
    assert float(objective.each(logits, LABELS).mean()) == pytest.approx(float(plain))


@pytest.mark.parametrize(
    ("labels", "metric"), [([], False), ([1, 1], False), ([0, 1, 2], False), ([0, 1, 1], True)]
)
def test_what_suffices_to_judge_an_epoch(labels, metric):
    labels = torch.tensor(labels, dtype=torch.int64)
    assert Triplet(FinetuneConfig(loss="triplet")).judges(labels) is metric
    assert CrossEntropy(FinetuneConfig()).judges(labels) is (len(labels) > 0)
