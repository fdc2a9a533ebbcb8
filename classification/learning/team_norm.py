"""Batch normalisation by the statistics of the whole batch, of which each process has a part.

`torch.nn.SyncBatchNorm` does it on CUDA alone, and replaces layers; here they stay, so weights keep
their names.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from classification.learning.team import Team


@contextmanager
def whole_statistics(network: nn.Module, team: Team) -> Iterator[None]:
    """Within the context, batch norms of `network` in train mode see all parts of a batch."""
    layers = [m for m in network.modules() if isinstance(m, _BatchNorm)] if team.size > 1 else []
    for layer in layers:
        layer.forward = partial(_forward, layer, team)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _forward(layer: _BatchNorm, team: Team, x: Tensor) -> Tensor:
    if not layer.training:
        return type(layer).forward(layer, x)
    values = x.float()
    dims = [0, *range(2, x.ndim)]
    shape = [1, -1, *[1] * (x.ndim - 2)]
    count = values.new_tensor([values.numel() / values.shape[1]])
    totals = team.total(torch.cat([values.sum(dims), count]))
    mean, n = totals[:-1] / totals[-1], totals[-1].detach()
    centred = values - mean.reshape(shape)
    variance = team.total(centred.square().sum(dims)) / n
    _remember(layer, mean.detach(), variance.detach() * n / (n - 1))
    y = centred * (variance + layer.eps).rsqrt().reshape(shape)
    if layer.affine:
        y = y * layer.weight.reshape(shape) + layer.bias.reshape(shape)
    y = y.to(x.dtype)
    # timm's layers carry their activation
    for name in ("drop", "act"):
        y = getattr(layer, name, nn.Identity())(y)
    return y


@torch.no_grad()
def _remember(layer: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Update the running statistics as `nn.BatchNorm2d` does; `variance` is the unbiased one."""
    if layer.running_mean is None or layer.running_var is None:
        return
    if layer.num_batches_tracked is not None:
        layer.num_batches_tracked += 1
    tracked = int(layer.num_batches_tracked) if layer.num_batches_tracked is not None else 1
    share = 1 / tracked if layer.momentum is None else layer.momentum
    layer.running_mean.lerp_(mean, share)
    layer.running_var.lerp_(variance, share)
