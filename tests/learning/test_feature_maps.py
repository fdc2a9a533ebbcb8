import numpy as np
import pytest
import torch
from torch import nn

from classification.app.of_run import state_of_run
from classification.config import DataConfig
from classification.data.dataset import load_dataset
from classification.errors import FieldmarkError
from classification.learning.backbones import build_backbone
from classification.learning.feature_maps import FeatureMaps, map_items
from classification.learning.fit import make_bench
from classification.query.names import STRATEGY_NAMES
from classification.settings import load_config
from tests.tiny import make_tiny


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mobilenet_v2", (3, 3, 1280)),
        ("resnet18", (3, 3, 512)),
        ("squeezenet1_1", (5, 5, 512)),
        ("swin_t", (3, 3, 768)),
    ],
)
def test_the_last_map_before_pooling_is_found(name, shape):
    network = build_backbone(name, "none", seed=0)
    mapper = FeatureMaps(network, 96)
    assert tuple(mapper.shape) == shape
    images = torch.rand(2, 3, 96, 96)
    with torch.inference_mode():
        maps = mapper(images).reshape(2, *shape)
        pooled, wanted = maps.mean(dim=(1, 2)), network(images)
    if pooled.shape == wanted.shape:
        assert torch.allclose(pooled, wanted, atol=1e-5)


def test_a_network_without_maps_is_refused():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 5))
    with pytest.raises(FieldmarkError, match="has no feature maps with height and width"):
        FeatureMaps(network, 8)


def test_maps_of_a_run_are_made_once(tmp_path, monkeypatch):
    tiny = make_tiny(tmp_path)
    config = load_config(tiny.run.config, [], strategies=STRATEGY_NAMES)
    dataset = load_dataset(DataConfig(dir=str(tiny.data.root)))
    bench = make_bench(config, dataset, tiny.run)
    maps = map_items(bench, None)
    assert maps.dtype == np.float16
    assert maps.ndim == 4
    assert len(maps) == len(dataset)
    monkeypatch.setattr("classification.learning.embeddings._compute", None)  # must not be needed
    assert np.array_equal(map_items(bench, None), maps)


def test_random_weights_have_no_maps_worth_learning_from(tmp_path):
    tiny = make_tiny(tmp_path)
    config = load_config(tiny.run.config, [], strategies=STRATEGY_NAMES)
    with pytest.raises(FieldmarkError, match="random weights and was not trained yet"):
        state_of_run(config, tiny.run, annotator="ann", feature_maps=True)
