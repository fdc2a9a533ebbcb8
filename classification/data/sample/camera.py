"""One camera: where it looks from and what it does to a picture."""

from dataclasses import dataclass, replace

import numpy as np

from classification.data.sample.noise import Field

NO_ROTATION, UPSIDE_DOWN, TURNED_RIGHT, TURNED_LEFT = 1, 3, 6, 8  # EXIF Orientation values
ORIENTATIONS = {1: UPSIDE_DOWN, 4: TURNED_RIGHT, 9: TURNED_LEFT}  # location number -> mounting
FAR = 400.0  # metres; the depth of the sky


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole camera over flat ground. Pixels refer to the upright picture."""

    width: int
    height: int
    orientation: int
    """EXIF Orientation of its files."""
    banner: int
    """Height of the information strip at the bottom, pixels."""
    focal: float
    """Focal length, pixels."""
    mount: float
    """Height above the ground, metres."""
    horizon: float
    """Row of the horizon at the middle column."""
    roll: float
    """Slope of the ground across the picture, rows per column."""
    tint: tuple[float, float, float]
    """Gains of red, green and blue by day."""
    saturation: float
    contrast: float
    vignette: float
    """Darkening in the corners, 0 to 1."""
    blur: float
    """Deviation of the lens blur, pixels."""
    noise: float
    """Deviation of the sensor noise by day, of full scale 1."""
    flash: float
    """Reach of the infrared flash, metres."""
    flash_centre: tuple[float, float]
    """Where the flash points, as fractions of width and height."""
    quality: int
    """JPEG quality."""
    brand: int
    """Which strip layout it burns in."""

    def scaled(self, factor: int) -> "Camera":
        """The same camera with `factor` times the pixels."""
        return replace(
            self,
            width=self.width * factor,
            height=self.height * factor,
            banner=self.banner * factor,
            focal=self.focal * factor,
            horizon=self.horizon * factor,
            blur=self.blur * factor,
        )

    def pixels_per_metre(self, depth: float) -> float:
        """Size in pixels of one metre standing at `depth` metres."""
        return self.focal / depth

    def ground_row(self, depth: float, column: float) -> float:
        """Row where the ground at `depth` metres shows in `column`."""
        tilt = self.roll * (column - self.width / 2)
        return self.horizon + tilt + self.focal * self.mount / depth

    def column(self, lateral: float, depth: float) -> float:
        """Column of a point `lateral` metres to the right of the axis at `depth` metres."""
        return self.width / 2 + lateral * self.focal / depth

    def nearest(self) -> float:
        """Depth in metres of the ground at the lower edge of the visible picture."""
        return self.focal * self.mount / (self.height - self.banner - self.horizon)

    def ground_depth(self) -> Field:
        """Depth of the ground per pixel, metres, float32 [H, W]; FAR above the horizon."""
        rows = np.arange(self.height, dtype=np.float32)[:, None]
        columns = np.arange(self.width, dtype=np.float32)[None, :]
        below = rows - self.horizon - self.roll * (columns - self.width / 2)
        depth = self.focal * self.mount / np.maximum(below, 1e-3)
        return np.where(below > 0, np.minimum(depth, FAR), FAR).astype(np.float32)

    def vignette_field(self) -> Field:
        """Gain of the lens per pixel, float32 [H, W], 1 in the middle."""
        y = (np.arange(self.height, dtype=np.float32)[:, None] / self.height - 0.5) * 2
        x = (np.arange(self.width, dtype=np.float32)[None, :] / self.width - 0.5) * 2
        return (1 - self.vignette * np.minimum((x * x + y * y) / 2, 1) ** 1.5).astype(np.float32)

    def flash_field(self) -> Field:
        """Share of the flash that reaches each direction, float32 [H, W], 0..1."""
        y = np.arange(self.height, dtype=np.float32)[:, None] / self.height - self.flash_centre[1]
        x = np.arange(self.width, dtype=np.float32)[None, :] / self.width - self.flash_centre[0]
        return (0.15 + 0.85 * np.exp(-(x * x + 0.7 * y * y) / 0.18)).astype(np.float32)


def mount(
    rng: np.random.Generator,
    *,
    location: int,
    width: int,
    height: int,
    above_ground: tuple[float, float],
) -> Camera:
    """Choose the camera of a location.

    Args:
        rng: source of chance.
        location: number of the location; some hang sideways or upside down.
        width: of the sensor, pixels.
        height: of the sensor, pixels.
        above_ground: lowest and highest place to hang it, metres.
    """
    orientation = ORIENTATIONS.get(location % 12, NO_ROTATION)
    if orientation in (TURNED_RIGHT, TURNED_LEFT):
        width, height = height, width
    warmth = rng.normal(0, 0.05)
    green = rng.normal(0, 0.025)
    banner = max(12, round(0.055 * max(width, height)))
    return Camera(
        width=width,
        height=height,
        orientation=orientation,
        banner=banner,
        focal=max(width, height) * rng.uniform(0.85, 1.35),
        mount=rng.uniform(*above_ground),
        horizon=height * rng.uniform(0.16, 0.38),
        roll=rng.uniform(-0.07, 0.07),
        tint=(1 + warmth, 1 + green, 1 - warmth),
        saturation=rng.uniform(0.6, 1.15),
        contrast=rng.uniform(0.85, 1.2),
        vignette=rng.uniform(0.15, 0.55),
        blur=width / 320 * rng.uniform(0.25, 0.8),
        noise=rng.uniform(0.007, 0.024),
        flash=rng.uniform(3.0, 6.5),
        flash_centre=(rng.uniform(0.4, 0.6), rng.uniform(0.45, 0.65)),
        quality=int(rng.integers(78, 93)),
        brand=int(rng.integers(3)),
    )
