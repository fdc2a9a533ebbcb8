"""Tileable fractal noise: the one source of texture for ground, bark, fur and clouds."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.floating]  # float32 in practice; sums with Python floats stay float32

TILE = 256  # side of a noise tile; a power of two, so that wrapping is a bit mask


def fractal(rng: np.random.Generator, *, beta: float, size: int = TILE) -> Field:
    """Noise with power spectrum 1/f^beta, float32 [size, size], tileable, mean 0, deviation 1.

    Spectral synthesis (Saupe, The Science of Fractal Images, 1988): beta 0 is white, 2 is clouds.
    """
    spectrum = np.fft.rfft2(rng.standard_normal((size, size)))
    rows = np.fft.fftfreq(size)[:, None]
    columns = np.fft.rfftfreq(size)[None, :]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = np.inf  # removes the mean
    field = np.fft.irfft2(spectrum * frequency ** (-beta / 2), s=(size, size))
    return (field / field.std()).astype(np.float32)


def sample(tile: Field, rows: Field, columns: Field) -> Field:
    """Values of a tile at tile coordinates (nearest, wrapping); same shape as `rows`."""
    mask = tile.shape[0] - 1
    return tile[rows.astype(np.int32) & mask, columns.astype(np.int32) & mask]


def sample_smooth(tile: Field, rows: Field, columns: Field) -> Field:
    """Values of a tile at tile coordinates (bilinear, wrapping); same shape as `rows`."""
    mode = "grid-wrap"
    return ndimage.map_coordinates(tile, [rows, columns], order=1, mode=mode).astype(np.float32)


def stretched(
    tile: Field, shape: tuple[int, int], *, rows: float, columns: float, offset: tuple[int, int]
) -> Field:
    """An image-sized cut of a tile, magnified by `rows` and `columns`, bilinear between cells."""
    y = np.arange(shape[0], dtype=np.float32) / rows + offset[0]
    x = np.arange(shape[1], dtype=np.float32) / columns + offset[1]
    mask = tile.shape[0] - 1
    y0, x0 = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    fy, fx = (y - y0)[:, None], (x - x0)[None, :]
    top, bottom = tile[y0 & mask], tile[(y0 + 1) & mask]
    left = top[:, x0 & mask] * (1 - fy) + bottom[:, x0 & mask] * fy
    right = top[:, (x0 + 1) & mask] * (1 - fy) + bottom[:, (x0 + 1) & mask] * fy
    return (left * (1 - fx) + right * fx).astype(np.float32)


def smoothstep(values: Field, low: float, high: float) -> Field:
    """0 below `low`, 1 above `high`, an S in between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
