import numpy as np
import pytest
import torch
import torch.nn.functional as F

from classification.learning.fixmatch_config import FixMatchConfig
from classification.learning.masked_losses import masked_loss, pseudo_targets

NAN = float("nan")


def rows(*values):
    return torch.tensor(values, dtype=torch.float32)


LOGITS = rows([2.0, -1.0, 0.5], [0.1, 0.2, 0.3], [-3.0, 1.0, 1.0])


def test_softmax_with_every_class_known_is_cross_entropy():
    targets = rows([1, 0, 0], [0, 0, 1], [0, 1, 0])
    loss = masked_loss(LOGITS, targets, FixMatchConfig())
    assert loss == pytest.approx(F.cross_entropy(LOGITS, torch.tensor([0, 2, 1])).item())
    smooth = masked_loss(LOGITS, targets, FixMatchConfig(label_smoothing=0.2))
    expected = F.cross_entropy(LOGITS, torch.tensor([0, 2, 1]), label_smoothing=0.2)
    assert smooth == pytest.approx(expected.item())


def test_softmax_of_what_is_only_known_to_be_absent():
    """Not a fox: the probability of all others is what should be high."""
    loss = masked_loss(LOGITS, rows([0, NAN, NAN], *[[NAN] * 3] * 2), FixMatchConfig())
    assert loss == pytest.approx(-torch.log(1 - LOGITS.softmax(1)[0, 0]).item(), rel=1e-5)


def test_sigmoid_counts_known_classes_only():
    targets = rows([1, NAN, 0], [NAN, NAN, NAN], [NAN, 0, NAN])
    p = LOGITS.sigmoid()
    expected = -(p[0, 0].log() + (1 - p[0, 2]).log() + (1 - p[2, 1]).log()) / 3
    assert masked_loss(LOGITS, targets, FixMatchConfig(output="sigmoid")) == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_focal_weighs_down_what_is_easy():
    easy, hard = rows([4.0]), rows([-4.0])
    one = rows([1.0])
    plain = FixMatchConfig(output="focal", focal_gamma=0)
    focal = FixMatchConfig(output="focal", focal_gamma=2)
    assert masked_loss(easy, one, plain) == pytest.approx(
        F.binary_cross_entropy_with_logits(easy, one).item()
    )
    wrongness = 1 - easy.sigmoid().item()
    share = masked_loss(easy, one, focal) / masked_loss(easy, one, plain)
    assert share == pytest.approx(wrongness**2, rel=1e-3)
    assert masked_loss(hard, one, focal) > 0.9 * masked_loss(hard, one, plain)


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "focal"])
def test_nothing_known_is_no_loss_and_no_gradient(output):
    logits = LOGITS.clone().requires_grad_()
    loss = masked_loss(logits, torch.full((3, 3), NAN), FixMatchConfig(output=output))
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "focal"])
def test_gradients_stay_finite_however_sure_the_model_is(output):
    logits = rows([80.0, -80.0], [-80.0, 80.0], [80.0, -80.0]).requires_grad_()
    targets = rows([1, 0], [1, 0], [0, NAN])
    masked_loss(logits, targets, FixMatchConfig(output=output)).backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize(
    ("output", "logits", "targets", "expected"),
    [
        ("softmax", [9, 0, 0], [NAN, NAN, NAN], [1, 0, 0]),
        ("softmax", [1, 0, 0], [NAN, NAN, NAN], [NAN, NAN, NAN]),  # not sure enough
        ("softmax", [9, 0, 0], [0, 1, 0], [NAN, NAN, NAN]),  # known already
        ("softmax", [9, 8, 0], [0, NAN, NAN], [NAN, NAN, NAN]),  # sure of what it cannot be
        ("sigmoid", [9, -9, 0], [NAN, NAN, NAN], [1, 0, NAN]),
        ("sigmoid", [9, -9, 9], [NAN, 1, 0], [1, NAN, NAN]),
        ("focal", [9, -9, 0], [NAN, NAN, NAN], [1, 0, NAN]),
    ],
)
def test_pseudo_labels(output, logits, targets, expected):
    found = pseudo_targets(
        rows(logits), rows(targets), FixMatchConfig(output=output, threshold=0.95)
    )
    assert np.array_equal(found[0].numpy(), np.array(expected, np.float32), equal_nan=True)
