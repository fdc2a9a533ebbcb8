"""Small networks over embeddings or feature maps, built from a list of layers."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from classification.learning.network_config import NetworkConfig


def build_network(
    config: NetworkConfig, shape: Sequence[int], n_classes: int, *, seed: int
) -> nn.Sequential:
    """The network that `config` describes.

    Args:
        config: layers and pooling.
        shape: of one item: [D], or [H, W, C] of a feature map.
        n_classes: of the output.
        seed: of the first weights; no global random state is touched.

    Returns:
        float32 [B, *shape] to logits [B, n_classes]. On embeddings with numbers only it is a plain
        list of linear layers and ReLUs, which `FixMatchModel.head` can store.

    Raises:
        FieldmarkError: the layers do not fit the shape.
    """
    config.check(shape)
    maps = len(shape) == 3
    layers: list[nn.Module] = [_ChannelsFirst()] if maps else []
    width = shape[-1]
    sides: list[int] = list(shape[:2]) if maps else []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for word in config.words:
            if word == "p":
                layers.append(nn.MaxPool2d(2))
                sides = [side // 2 for side in sides]
            elif word == "d":
                layers.append(nn.Dropout2d(config.dropout) if maps else nn.Dropout(config.dropout))
            elif word == "r":
                layers.append(_Residual(config, width, maps=maps))
            else:
                layers += [*_weights(config, width, int(word), maps=maps), nn.ReLU()]
                width = int(word)
        if maps:
            layers += _ending(config.pooling)
        flat = maps and config.pooling == "flatten"
        last = nn.Linear(width * (math.prod(sides) if flat else 1), n_classes)
        nn.init.normal_(last.weight, std=0.01)  # begins undecided
        nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


def n_parameters(network: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(p.numel() for p in network.parameters())


class _ChannelsFirst(nn.Module):
    """[B, H, W, C] as PyTorch wants it, [B, C, H, W]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 3, 1, 2)


class _Residual(nn.Module):
    """x + f(ReLU(x)), then a ReLU; f is two layers as wide as x."""

    def __init__(self, config: NetworkConfig, width: int, *, maps: bool) -> None:
        super().__init__()
        first = _weights(config, width, width, maps=maps)
        second = _weights(config, width, width, maps=maps)
        self.branch = nn.Sequential(nn.ReLU(), *first, nn.ReLU(), *second)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.branch(x))


def _weights(config: NetworkConfig, width: int, out: int, *, maps: bool) -> list[nn.Module]:
    if not maps:
        dense = nn.Linear(width, out)
        _he(dense)
        return [dense, *([nn.BatchNorm1d(out)] if config.batch_norm else [])]
    side = config.kernel_size
    layers: list[nn.Module] = []
    if config.separable:
        layers.append(nn.Conv2d(width, width, side, padding=side // 2, groups=width))
        last = nn.Conv2d(width, out, 1)
    else:
        last = nn.Conv2d(width, out, side, padding=side // 2)
    _he(last)
    return [*layers, last, *([nn.BatchNorm2d(out)] if config.batch_norm else [])]


def _he(layer: nn.Linear | nn.Conv2d) -> None:
    """He et al. 2015, for ReLU."""
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _ending(pooling: str) -> list[nn.Module]:
    if pooling == "flatten":
        return [nn.Flatten()]
    pool = nn.AdaptiveAvgPool2d(1) if pooling == "average" else nn.AdaptiveMaxPool2d(1)
    return [pool, nn.Flatten()]
