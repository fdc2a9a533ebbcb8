import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from classification.config import HeadConfig
from classification.errors import FieldmarkError
from classification.learning.fit_head import fit_head
from classification.learning.head import Head, load_head, save_head
from tests.learning.blobs import blobs

KINDS = {
    "logistic": HeadConfig(),
    "linear": HeadConfig(kind="linear", max_iter=20),
    "mlp": HeadConfig(kind="mlp", hidden=(7, 5), max_iter=20),
}


def head_of(kind, *, temperature=1.0, classes=(0, 2, 5)):
    x, y = blobs(classes)
    fitted = fit_head(x, y, config=KINDS[kind])
    return x, Head(**(vars(fitted) | {"temperature": temperature}))


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_the_one_that_torch_finds(kind, temperature):
    x, head = head_of(kind, temperature=temperature)
    z = torch.tensor(x, requires_grad=True)
    h = (z - torch.tensor(head.mean)) / torch.tensor(head.scale)
    for i, (weight, bias) in enumerate(zip(head.weights, head.biases, strict=True)):
        h = F.linear(h.relu() if i else h, torch.tensor(weight), torch.tensor(bias))
    F.cross_entropy(h / temperature, h.argmax(dim=1), reduction="sum").backward()
    assert head.gradient(x, 6) == pytest.approx(z.grad.numpy(), abs=1e-5)
    wanted = (h / temperature).softmax(dim=1).detach().numpy()
    assert head.predict(x, 6)[:, [0, 2, 5]] == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_it_comes_back_from_disk_the_same(tmp_path, kind):
    x, head = head_of(kind, temperature=1.7)
    save_head(tmp_path / "head.safetensors", head)
    again = load_head(tmp_path / "head.safetensors")
    assert np.array_equal(again.predict(x, 6), head.predict(x, 6))
    assert np.array_equal(again.gradient(x, 6), head.gradient(x, 6))
    assert again.temperature == 1.7


def test_a_head_of_an_earlier_version_is_read(tmp_path):
    from safetensors.numpy import save_file

    x, head = head_of("logistic")
    earlier = {"mean": head.mean, "scale": head.scale, "classes": head.classes}
    earlier |= {"weight": head.weights[0], "bias": head.biases[0]}
    save_file(earlier, tmp_path / "head.safetensors")
    again = load_head(tmp_path / "head.safetensors")
    assert np.array_equal(again.predict(x, 6), head.predict(x, 6))


@given(st.floats(0.05, 20), st.integers(0, 50))
def test_the_temperature_changes_no_order_within_an_item(temperature, seed):
    x, head = head_of("mlp")
    x = np.random.default_rng(seed).normal(size=x.shape).astype(np.float32)
    warm = Head(**(vars(head) | {"temperature": temperature}))
    assert np.array_equal(warm.predict(x, 6).argmax(1), head.predict(x, 6).argmax(1))
    assert np.array_equal(warm.logits(x).argsort(1), head.logits(x).argsort(1))


def test_blocks_change_nothing(monkeypatch):
    x, head = head_of("mlp")
    whole = head.predict(x, 6), head.gradient(x, 6)
    monkeypatch.setattr("classification.learning.head._BLOCK", 7)
    assert head.predict(x, 6) == pytest.approx(whole[0], abs=1e-6)
    assert head.gradient(x, 6) == pytest.approx(whole[1], abs=1e-6)
    assert head.predict(x[:0], 6).shape == (0, 6)
    assert head.gradient(x[:0], 6).shape == (0, x.shape[1])


def test_a_corrupt_file_is_named(tmp_path):
    path = tmp_path / "head.safetensors"
    with pytest.raises(FieldmarkError, match="head not found"):
        load_head(path)
    path.write_bytes(b"\1" * 64)
    with pytest.raises(FieldmarkError, match=r"head cannot be read.*corrupt"):
        load_head(path)
