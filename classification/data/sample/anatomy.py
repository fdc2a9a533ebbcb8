"""What describes a species: proportions, coat and habits."""

from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Build:
    """Proportions of a four-legged animal; lengths and radii in units of the shoulder height."""

    shoulder: float
    """Shoulder height, metres."""
    body: float
    """Shoulder to hip."""
    chest: float
    waist: float
    rump: float
    """Radii along the trunk."""
    hip: float = 1.0
    """Height of the rump."""
    leg: float
    """Radius of the lower leg."""
    neck: float
    neck_radius: float
    neck_angle: float
    """Degrees above level when the animal stands."""
    head: float
    """Radius of the skull."""
    muzzle: float
    muzzle_radius: float
    ear: float
    ear_radius: float
    ear_round: float
    """0 pointed, 1 round."""
    tail: float
    tail_radii: tuple[float, float, float]
    tail_angle: float
    """Degrees above level at the root."""
    tail_curl: float
    """Degrees turned from root to tip."""
    antlers: float = 0.0
    """Length of the antlers of a male."""


@dataclass(frozen=True, kw_only=True)
class Coat:
    """Colours, display RGB, and pattern of the fur."""

    back: Colour
    belly: Colour
    legs: Colour
    feet: Colour
    neck: Colour
    head: Colour
    muzzle: Colour
    ear: Colour
    tail: Colour
    tail_tip: Colour
    rump: Colour
    pattern: str = "plain"
    """plain, spots, stripes or grizzle."""
    pattern_colour: Colour = (30, 26, 22)
    contrast: float = 0.0
    """0 to 1."""
    period: float = 0.1
    """Size of the pattern in shoulder heights."""
    shaggy: float = 0.06
    """Roughness of the outline, as a share of the radius."""


@dataclass(frozen=True, kw_only=True)
class Species:
    """A species as the generator knows it."""

    name: str
    share: float
    """Share of the animal images."""
    night: float
    """Share of its sequences after dark."""
    speed: float
    """Walking speed, metres per second."""
    depth: tuple[float, float]
    """Nearest and farthest distance at which the camera is set off, metres."""
    postures: dict[str, float]
    """Weights: walk, stand, graze, alert, sit, crouch, rear."""
    build: Build
    coat: Coat
    company: float = 0.0
    """Chance that a second one is in view."""
