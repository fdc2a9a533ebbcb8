"""Coats: what colour an animal is at each pixel."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from classification.data.sample.anatomy import Coat, Colour
from classification.data.sample.noise import Field, sample, smoothstep
from classification.data.sample.zbuffer import Buffer


@dataclass(frozen=True, kw_only=True)
class Fur:
    """What makes one individual: its coat and the noise its markings come from."""

    coat: Coat
    size: float
    """Shoulder height, metres; markings grow with the animal."""
    coarse: Field
    fine: Field
    shift: int
    """Where in the noise its markings begin."""

    def hair(self, along: Field, across: Field) -> Field:
        """Noise of single hairs at places on the skin, in shoulder heights."""
        return sample(self.fine, along * 60 + self.shift, across * 60)


def fur_colour(buffer: Buffer, fur: Fur) -> Field:
    """Base colour, pale underside, markings and the grain of the hair, [3, h, w]."""
    coat = fur.coat
    colour = buffer.colour
    under = smoothstep(-buffer.normal[1], 0.1, 0.75) * buffer.belly
    colour = colour + (_tone(coat.belly) - colour) * under
    marks = _markings(buffer, fur) * buffer.pattern * coat.contrast
    marks *= 1 - 0.6 * under
    colour += (_tone(coat.pattern_colour) - colour) * marks
    grain = sample(fur.fine, buffer.across * 110, buffer.along * 40)
    crease = _crease(buffer.depth)
    return colour * (1 + 0.09 * grain - 0.35 * crease)


def _tone(colour: Colour) -> Field:
    """A display colour as float32 [3, 1, 1], 0..1."""
    return (np.array(colour, dtype=np.float32) / 255)[:, None, None]


def _markings(buffer: Buffer, fur: Fur) -> Field:
    """Strength of the coat pattern at each pixel, 0..1, fixed to the skin."""
    coat = fur.coat
    along, across = buffer.along / coat.period, buffer.across / coat.period
    warp = sample(fur.coarse, across * 5 + fur.shift, along * 5)
    if coat.pattern == "stripes":
        return smoothstep(np.sin(2 * np.pi * along + 1.6 * warp) + 0.3 * warp, 0.0, 0.7)
    if coat.pattern == "spots":
        other = sample(fur.coarse, along * 5, across * 5 + fur.shift)
        dots = np.cos(2 * np.pi * along + 1.8 * warp) * np.cos(2 * np.pi * across + 1.8 * other)
        return smoothstep(np.abs(dots), 0.4, 0.75)
    if coat.pattern == "grizzle":
        streak = sample(fur.coarse, across * 60, along * 18)
        return smoothstep(streak + 0.6 * warp, -0.2, 1.6)
    return np.zeros_like(buffer.depth)


def _crease(depth: Field) -> Field:
    """Where one part lies close behind another: soft shadow, 0..1."""
    filled = np.where(np.isfinite(depth), depth, 0).astype(np.float32)
    reach = max(1.0, depth.shape[0] / 40)
    around = ndimage.uniform_filter(filled, int(3 * reach) | 1)
    return smoothstep(around - filled, reach, 4 * reach)
