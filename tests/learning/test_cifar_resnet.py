import pytest
import torch

from classification.errors import FieldmarkError
from classification.learning.backbones import build_backbone, embedding_size
from classification.learning.cifar_resnet import ResNet20


def test_it_has_the_size_of_the_paper_and_takes_small_images():
    network = ResNet20(10)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(0.27e6, rel=0.01)
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_as_a_backbone_it_has_64_features_and_no_weights_to_download():
    backbone = build_backbone("resnet20", "none", seed=0)
    assert embedding_size(backbone, 32) == 64
    with pytest.raises(FieldmarkError, match="nobody publishes weights of resnet20"):
        build_backbone("resnet20", "default", seed=0)
