"""Random changes of training crops, drawn from one seeded generator."""

import torch
from torch import Tensor
from torch.nn import functional as F

_GREY = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601 luma


def augment(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Flip, zoom, shift, tilt, brighten, and take the colour out of some crops.

    A third of the crops turn grey: the same animal by day and under infrared should look alike to
    the network, and archives hold both in unequal shares.

    Args:
        batch: uint8 [B, 3, S, S].
        generator: on the CPU; the only source of randomness.

    Returns:
        uint8 [B, 3, S, S] on the same device.
    """
    n = len(batch)

    def uniform(low: float, high: float) -> Tensor:
        return (torch.rand(n, generator=generator) * (high - low) + low).to(batch.device)

    zoom, tilt = uniform(0.75, 1.05), uniform(-0.2, 0.2)  # share of the side; radians
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    theta = torch.stack(
        [
            torch.stack([zoom * flip * tilt.cos(), -zoom * tilt.sin(), uniform(-0.12, 0.12)], 1),
            torch.stack([zoom * flip * tilt.sin(), zoom * tilt.cos(), uniform(-0.12, 0.12)], 1),
        ],
        dim=1,
    )
    x = batch.float()
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    luma = (x * _GREY.to(x.device).reshape(1, 3, 1, 1)).sum(1, keepdim=True)
    colour = torch.where(uniform(0, 1) < 1 / 3, 0.0, uniform(0.6, 1.4)).reshape(-1, 1, 1, 1)
    x = luma + (x - luma) * colour
    contrast, light = uniform(0.7, 1.3), uniform(-25, 25)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * contrast.reshape(-1, 1, 1, 1) + mean + light.reshape(-1, 1, 1, 1)
    return x.clamp(0, 255).round().to(torch.uint8)
