import pytest
import torch

from classification.errors import FieldmarkError
from classification.learning.backbones import build_backbone, weights_hash, write_weights
from classification.learning.embedder import build_embedder

NAME = "timm/test_resnet"
IMAGES = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def embedder(weights="none", *, feat_dim=0, normalize=False, seed=0):
    return build_embedder(
        NAME, str(weights), image_size=32, feat_dim=feat_dim, normalize=normalize, seed=seed
    )


@torch.inference_mode()
def answer(network):
    return network(IMAGES)


def test_without_projection_it_is_the_backbone():
    backbone = build_backbone(NAME, "none", seed=0)
    assert weights_hash(embedder()) == weights_hash(backbone)
    assert torch.equal(answer(embedder()), answer(backbone))


def test_the_projection_starts_as_a_turn_that_keeps_lengths_as_well_as_it_can():
    network = embedder(feat_dim=24)
    assert answer(network).shape == (3, 24)
    weight = network.projection.weight
    assert torch.allclose(weight @ weight.T, torch.eye(24), atol=1e-5)
    assert torch.equal(answer(network), answer(embedder(feat_dim=24)))  # the seed fixes it
    assert not torch.equal(answer(network), answer(embedder(feat_dim=24, seed=1)))


def test_normalised_embeddings_have_length_one_and_another_hash():
    plain, unit = embedder(feat_dim=24), embedder(feat_dim=24, normalize=True)
    assert torch.allclose(answer(unit).norm(dim=1), torch.ones(3), atol=1e-6)
    assert torch.allclose(answer(unit), answer(plain) / answer(plain).norm(dim=1, keepdim=True))
    assert weights_hash(unit) != weights_hash(plain)  # or stores of the two would be one


def test_a_file_of_a_whole_embedder_is_read_back(tmp_path):
    network = embedder(feat_dim=24, normalize=True, seed=5)
    write_weights(tmp_path / "w.safetensors", network.state_dict())
    again = embedder(tmp_path / "w.safetensors", feat_dim=24, normalize=True)
    assert torch.equal(answer(again), answer(network))
    with pytest.raises(FieldmarkError, match=r"w\.safetensors holds another embedding model"):
        embedder(tmp_path / "w.safetensors", feat_dim=12, normalize=True)


def test_a_file_of_a_backbone_gets_a_new_projection(tmp_path):
    backbone = build_backbone(NAME, "none", seed=7)
    write_weights(tmp_path / "w.safetensors", backbone.state_dict())
    network = embedder(tmp_path / "w.safetensors", feat_dim=24)
    with torch.inference_mode():
        wanted = network.projection(backbone(IMAGES))
    assert torch.allclose(answer(network), wanted)
