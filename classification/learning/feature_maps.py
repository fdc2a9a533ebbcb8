"""Feature maps of a run's images: what its backbone sees where, before it pools.

They are kept like embeddings: one memory-mapped array per network and list of images, made once and
taken up again where it was interrupted.
"""

import math
import threading
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classification.errors import FieldmarkError
from classification.files import sha256_lines
from classification.learning.backbones import weights_hash
from classification.learning.embeddings import Items, Kind, embed_items
from classification.learning.fit import Bench
from classification.learning.model import Card, resolve_weights
from classification.learning.round_backbone import run_embedder


class FeatureMaps(nn.Module):
    """A network that ends at its last feature map.

    Args:
        network: from square images to embeddings.
        image_size: side of the images in pixels.

    Attributes:
        layer: name of the module whose output is the map.
        shape: height, width and channels of the map.

    Raises:
        FieldmarkError: the network has no feature map, as is so of vision transformers.
    """

    def __init__(self, network: nn.Module, image_size: int) -> None:
        super().__init__()
        self.network = network.eval()
        seen: list[tuple[str, torch.Size]] = []

        def look(name: str, out: Any) -> None:
            if isinstance(out, Tensor) and _sides(out.shape):
                seen.append((name, out.shape))

        hooks = [
            module.register_forward_hook(lambda m, i, out, name=name: look(name, out))
            for name, module in network.named_modules()
            if name
        ]
        with torch.inference_mode():
            network(torch.zeros(1, 3, image_size, image_size))
        for hook in hooks:
            hook.remove()
        if not seen:
            raise FieldmarkError(
                f"{type(network).__name__} has no feature maps with height and width; train on its "
                "embeddings, or take a convolutional backbone"
            )
        self.layer, found = seen[-1]
        self.shape = _channels_last(torch.empty(found)).shape[1:]
        self._kept = threading.local()  # every core embeds a batch of its own at once
        network.get_submodule(self.layer).register_forward_hook(self._keep)

    def forward(self, images: Tensor) -> Tensor:
        """float32 [B, 3, S, S] to float32 [B, H * W * C], channels last."""
        self.network(images)
        return _channels_last(self._kept.map).flatten(1)

    def _keep(self, module: nn.Module, given: Any, out: Tensor) -> None:
        self._kept.map = out


def map_items(bench: Bench, card: Card | None) -> NDArray[np.floating]:
    """Feature maps of all items of a run, float16 [N, H, W, C], memory-mapped, read-only.

    Args:
        bench: the run.
        card: of the newest model, whose backbone is taken; None for the one a run begins with.

    Raises:
        FieldmarkError: no feature maps, a missing crop, or a full disk.
    """
    config, paths = bench.config, bench.paths
    weights = config.backbone.weights if card is None else card.weights
    network = run_embedder(config, resolve_weights(weights, run=paths.root))
    mapper = FeatureMaps(network, config.backbone.image_size)
    kind = Kind(
        weights=sha256_lines([weights_hash(network), "feature map", mapper.layer]),
        preprocessing=bench.inputs.preprocessing,
        dim=math.prod(mapper.shape),
        store="float16",
    )
    dataset = bench.dataset
    items = Items(paths=dataset.paths, sha256=dataset.table["sha256"].tolist())
    flat = embed_items(mapper, bench.inputs, items, kind=kind, folder=paths.feature_maps)
    return flat.reshape(len(flat), *mapper.shape)


def _sides(shape: torch.Size) -> tuple[int, int] | None:
    """The axes of height and width, which are equal for square images; None if it is no map."""
    if len(shape) != 4 or shape[2] < 2:
        return None
    return (2, 3) if shape[2] == shape[3] else (1, 2) if shape[1] == shape[2] else None


def _channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1) if _sides(x.shape) == (2, 3) else x
