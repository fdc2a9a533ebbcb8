import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.learning.fixmatch import fit_fixmatch
from classification.learning.fixmatch_config import FixMatchConfig
from classification.learning.fixmatch_data import class_targets
from classification.learning.network import build_network, n_parameters
from classification.learning.network_config import NetworkConfig


@pytest.mark.parametrize("pooling", ["average", "max", "flatten"])
@pytest.mark.parametrize("layers", ["", "8,p,16,r,d", "p, P ,4", "r,d"])
def test_feature_maps_of_any_list_become_logits(layers, pooling):
    config = NetworkConfig(layers=layers, pooling=pooling, batch_norm=True, separable=True)
    network = build_network(config, (6, 5, 3), 4, seed=0)
    assert network(torch.randn(2, 6, 5, 3)).shape == (2, 4)


@given(st.lists(st.sampled_from(["3", "17", "r", "d"]), max_size=5), st.integers(1, 9))
def test_embeddings_take_every_list_without_pooling(words, width):
    config = NetworkConfig(layers=",".join(words))
    network = build_network(config, (width,), 3, seed=0).eval()
    assert network(torch.randn(4, width)).shape == (4, 3)


def test_what_the_words_stand_for():
    sizes = [
        p.numel() for p in build_network(NetworkConfig(layers="8,r"), (4,), 2, seed=0).parameters()
    ]
    assert sizes == [32, 8, 64, 8, 64, 8, 16, 2]
    maps = NetworkConfig(layers="8", kernel_size=5, pooling="max")
    assert n_parameters(build_network(maps, (4, 4, 3), 2, seed=0)) == 8 * 3 * 25 + 8 + 2 * 8 + 2
    thin = NetworkConfig(layers="8", kernel_size=5, separable=True)
    assert n_parameters(build_network(thin, (4, 4, 3), 2, seed=0)) == 3 * 25 + 3 + 3 * 8 + 8 + 18


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"layers": "32,x"}, "layer 2 is 'x'; layers from the input to the output"),
        ({"layers": "32,,p"}, "layer 2 is ''"),
        ({"layers": "0"}, "layer 1 is '0'"),
        ({"layers": "-4"}, "layer 1 is '-4'"),
        ({"layers": "3.5"}, "layer 1 is '3.5'"),
        ({"pooling": "median"}, "pooling 'median'; allowed: average, max, flatten"),
        ({"kernel_size": 4}, "kernel size 4; allowed: 1, 3, 5, 7"),
        ({"dropout": 1.0}, "dropout 1.0; allowed: 0 to below 1"),
    ],
)
def test_what_is_no_network_is_said(fields, said):
    with pytest.raises(FieldmarkError, match="this is no network") as error:
        NetworkConfig(**fields)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("layers", "shape", "said"),
    [
        ("32,p", (10,), "p needs feature maps, and these are embeddings of 10 numbers"),
        ("p,p,p", (7, 7, 4), "3 times leaves nothing, at most 2 go"),
        ("8", (7, 7), "embeddings [D] or feature maps [H, W, C] are wanted"),
    ],
)
def test_what_does_not_fit_the_input_is_said(layers, shape, said):
    with pytest.raises(FieldmarkError) as error:
        build_network(NetworkConfig(layers=layers), shape, 2, seed=0)
    assert said in str(error.value)


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_state_alone():
    before = torch.get_rng_state()
    one, two, other = (
        build_network(NetworkConfig(layers="16,r"), (5,), 2, seed=s)(torch.ones(1, 5))
        for s in (3, 3, 4)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_a_convolution_sees_where_something_is_and_a_pooled_vector_does_not():
    """Two dots beside each other, or apart: their mean and their maximum are the same."""
    rng = np.random.default_rng(0)
    maps = np.zeros((200, 6, 6, 1), dtype=np.float32)
    labels = rng.integers(0, 2, 200)
    for image, near in zip(maps, labels, strict=True):
        y, x = rng.integers(0, 6), rng.integers(0, 3)
        image[y, x] = image[y, x + (1 if near else 3)] = 1
    config = FixMatchConfig(weight=0, epochs=15, learning_rate=2e-2, weak_dropout=0, weight_decay=0)
    scores = []
    for layers in ("", "16"):
        network = build_network(
            NetworkConfig(layers=layers, pooling="max", kernel_size=3), (6, 6, 1), 2, seed=0
        )
        targets = class_targets(labels, 2)
        model = fit_fixmatch(
            maps, targets, config=config, seed=0, network=network, per_channel=True
        )
        scores.append((model.predict(maps).argmax(axis=1) == labels).mean())
    assert scores[1] > 0.95
    assert scores[1] > scores[0] + 0.1


def test_dense_layers_on_embeddings_can_be_stored_as_a_head():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5)).astype(np.float32)
    network = build_network(NetworkConfig(layers="7"), (5,), 2, seed=0)
    model = fit_fixmatch(
        x,
        class_targets((x[:, 0] > 0).astype(np.int64), 2),
        config=FixMatchConfig(epochs=2),
        seed=0,
        network=network,
    )
    head = model.head(np.arange(2))
    assert np.allclose(head.predict(x, 2), model.predict(x), atol=1e-5)
