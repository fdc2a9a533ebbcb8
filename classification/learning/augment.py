"""Random changes of training crops, drawn from one seeded generator.

A camera trap sees the same animal by day in colour, at dusk in noise, and at night in infrared:
grey, lit by its own flash, blurred by a slow shutter. The changes imitate that, so that a species
that was labelled by day is known by night. Nothing turns a crop upside down or swaps its colours:
neither happens in the field.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from classification.learning.team import Part

_GREY = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601 luma
_BLUR_SHARE, _NOISE_SHARE, _CUT_SHARE = 0.3, 0.5, 0.5
# Of the crop's own contrast, at most: a fixed level drowned the animals of dim infrared frames, as
# a look at augmented crops showed; so did adding light instead of multiplying it.
_MOST_NOISE = 0.3
_BLUR_SIGMA = 0.012  # of the side, at most: 2.7 px at 224


def augment(batch: Tensor, generator: torch.Generator, part: Part | None = None) -> Tensor:
    """Flip, zoom, shift, tilt; take the colour out of some; relight, blur and add noise.

    A third of the crops turn grey, as under infrared: archives hold day and night in unequal
    shares.

    Args:
        batch: uint8 [B, 3, S, S].
        generator: on the CPU; the only source of randomness.
        part: what `batch` is of a larger one, whose other parts are changed elsewhere with an equal
            generator; None: all of it.

    Returns:
        uint8 [B, 3, S, S] on the same device.
    """
    draw = _Draw(batch, generator, part)
    x = _warp(batch.float(), draw, zoom=(0.75, 1.05), tilt=0.2, shift=0.12)
    return _bytes(_see(x, draw, exposure=0.4, contrast=0.3, gamma=0.25))


def weak(batch: Tensor, generator: torch.Generator, part: Part | None = None) -> Tensor:
    """Flip and shift by up to an eighth of the side: what leaves no doubt about the class.

    FixMatch's weak augmentation (Sohn et al., 2020, arXiv:2001.07685, section 2.3). Arguments and
    result as for `augment`.
    """
    draw = _Draw(batch, generator, part)
    return _bytes(_warp(batch.float(), draw, zoom=(1.0, 1.0), tilt=0.0, shift=0.25))


def strong(batch: Tensor, generator: torch.Generator, part: Part | None = None) -> Tensor:
    """All of `augment`, further, and a square cut out of half of the crops.

    In the place of FixMatch's RandAugment, whose inverted and posterised colours no camera gives;
    the square is Cutout's (DeVries & Taylor, 2017, arXiv:1708.04552) and stands for grass and
    trunks. Arguments and result as for `augment`.
    """
    draw = _Draw(batch, generator, part)
    x = _warp(batch.float(), draw, zoom=(0.55, 1.1), tilt=0.35, shift=0.2)
    x = _see(x, draw, exposure=0.6, contrast=0.5, gamma=0.5)
    return _bytes(_cut_out(x, draw))


class _Draw:
    """Random numbers for each crop of a batch, on its device: those of its place in the whole."""

    def __init__(self, batch: Tensor, generator: torch.Generator, part: Part | None) -> None:
        self._part = part or Part.whole(len(batch))
        self._device, self._generator = batch.device, generator

    def uniform(self, low: float, high: float) -> Tensor:
        """float32 [B]."""
        values = torch.rand(self._part.of, generator=self._generator)
        return self._part.cut(values * (high - low) + low).to(self._device)

    def chance(self, share: float) -> Tensor:
        """1.0 for about this share of the crops and 0.0 for the others: float32 [B]."""
        return (self.uniform(0, 1) < share).float()

    def noise(self, size: int) -> Tensor:
        """Standard normal, float32 [B, 1, size, size]: sensor noise is in the luma above all."""
        shape = (self._part.of, 1, size, size)
        return self._part.cut(torch.randn(shape, generator=self._generator)).to(self._device)


def _warp(
    x: Tensor, draw: _Draw, *, zoom: tuple[float, float], tilt: float, shift: float
) -> Tensor:
    """Zoom as a share of the side, tilt in radians, shift as a share of half the side."""
    scale, angle = draw.uniform(*zoom), draw.uniform(-tilt, tilt)
    flip = 1 - 2 * draw.chance(0.5)
    across, down = draw.uniform(-shift, shift), draw.uniform(-shift, shift)
    theta = torch.stack(
        [
            torch.stack([scale * flip * angle.cos(), -scale * angle.sin(), across], dim=1),
            torch.stack([scale * flip * angle.sin(), scale * angle.cos(), down], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def _see(x: Tensor, draw: _Draw, *, exposure: float, contrast: float, gamma: float) -> Tensor:
    """As another camera at another hour: colour, exposure (log of the factor), focus, sensor."""
    luma = (x * _GREY.to(x.device).reshape(1, 3, 1, 1)).sum(1, keepdim=True)
    colour = (1 - draw.chance(1 / 3)) * draw.uniform(0.6, 1.4)
    x = luma + (x - luma) * _each(colour)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * _each(draw.uniform(1 - contrast, 1 + contrast)) + mean
    x = (x * _each(draw.uniform(-exposure, exposure).exp())).clamp_(0, 255)
    x = (x / 255).pow_(_each(draw.uniform(-gamma, gamma).exp())).mul_(255)
    unsharp = draw.chance(_BLUR_SHARE).bool()
    if unsharp.any():
        x[unsharp] = _blurred(x[unsharp])
    level = draw.chance(_NOISE_SHARE) * draw.uniform(0, _MOST_NOISE) * x.std(dim=(1, 2, 3))
    return x + draw.noise(x.shape[-1]) * _each(level)


def _blurred(x: Tensor) -> Tensor:
    """Gaussian blur, rows and then columns."""
    sigma = max(0.6, _BLUR_SIGMA * x.shape[-1])
    reach = round(2 * sigma)
    steps = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-(steps**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, -1)
    x = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    x = F.conv2d(x, kernel[:, :, None, :], groups=3)
    return F.conv2d(x, kernel[:, :, :, None], groups=3)


def _cut_out(x: Tensor, draw: _Draw) -> Tensor:
    """A square of a fifth to two fifths of the side, in the mean colour of its crop."""
    size = x.shape[-1]
    side = draw.chance(_CUT_SHARE) * draw.uniform(0.2, 0.4) * size
    inside = []
    for middle in (draw.uniform(0, size), draw.uniform(0, size)):
        place = torch.arange(size, device=x.device) + 0.5
        inside.append((place[None, :] - middle[:, None]).abs() < side[:, None] / 2)
    rows, columns = inside
    hidden = (rows[:, :, None] & columns[:, None, :])[:, None]
    return torch.where(hidden, x.mean(dim=(2, 3), keepdim=True), x)


def _each(values: Tensor) -> Tensor:
    """[B] as [B, 1, 1, 1]."""
    return values.reshape(-1, 1, 1, 1)


def _bytes(x: Tensor) -> Tensor:
    return x.clamp(0, 255).round().to(torch.uint8)
