"""The embedding model: a backbone, and behind it a projection and unit length where wanted."""

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

from classification.errors import FieldmarkError
from classification.learning.backbones import build_backbone, embedding_size, read_weights

_BACKBONE, _PROJECTION, _LENGTH = "backbone", "projection", "length"


class UnitLength(nn.Module):
    """Scales every embedding to length 1; a zero vector stays one.

    The length is a buffer, so that the hash of the weights tells this network from one without.
    """

    length: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("length", torch.ones(()))

    def forward(self, embeddings: Tensor) -> Tensor:
        """float32 [B, D] to float32 [B, D]."""
        return nn.functional.normalize(embeddings, dim=1) * self.length


def build_embedder(
    name: str, weights: str, *, image_size: int, feat_dim: int, normalize: bool, seed: int
) -> nn.Module:
    """The network from image to embedding, in eval mode on the CPU.

    Without projection and unit length it is the backbone itself, with the same weights file.

    Args:
        name: as for `build_backbone`.
        weights: as for `build_backbone`, or a file of a whole embedder, as training writes it.
        image_size: side in pixels of the images.
        feat_dim: D of the embeddings; 0 for the backbone's own. The projection starts with
            orthonormal rows: it keeps the distances of the backbone as well as D dimensions can.
        normalize: scale embeddings to length 1.
        seed: of random weights.

    Returns:
        A module: float32 [B, 3, S, S] to float32 [B, D].

    Raises:
        FieldmarkError: as `build_backbone`; or a file of another embedder.
    """
    if not feat_dim and not normalize:
        return build_backbone(name, weights, seed=seed)
    trained = _trained(weights)
    backbone = build_backbone(name, "none" if trained else weights, seed=seed)
    parts: OrderedDict[str, nn.Module] = OrderedDict({_BACKBONE: backbone})
    if feat_dim:
        parts[_PROJECTION] = _projection(embedding_size(backbone, image_size), feat_dim, seed=seed)
    if normalize:
        parts[_LENGTH] = UnitLength()
    embedder = nn.Sequential(parts)
    if trained:
        _load(embedder, trained, weights=weights)
    return embedder.eval()


def _projection(dim: int, feat_dim: int, *, seed: int) -> nn.Linear:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = nn.Linear(dim, feat_dim)
        nn.init.orthogonal_(layer.weight)
        nn.init.zeros_(layer.bias)
    return layer


def _trained(weights: str) -> dict[str, Tensor]:
    """Tensors of a file that holds a whole embedder; empty for anything else."""
    if weights in ("default", "none"):
        return {}
    tensors = read_weights(Path(weights))
    return tensors if any(key.startswith(f"{_BACKBONE}.") for key in tensors) else {}


def _load(embedder: nn.Module, tensors: dict[str, Tensor], *, weights: str) -> None:
    try:
        embedder.load_state_dict(tensors)
    except RuntimeError as error:
        raise FieldmarkError(
            f"{weights} holds another embedding model than backbone.name, backbone.feat_dim and "
            f"backbone.normalize say: {error}"
        ) from None
