"""What grows and lies where: the make-up of each kind of scene."""

from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Habitat:
    """A kind of place. Colours are display RGB under neutral light."""

    name: str
    ground: tuple[Colour, Colour, Colour]
    """Dark, middle and light colour of the ground."""
    litter: tuple[Colour, ...] = ()
    """Colours of fallen leaves."""
    sky: bool = False
    """Open sky and far ridges; otherwise a wall of vegetation."""
    wall: tuple[Colour, Colour] = ((30, 38, 24), (82, 96, 58))
    """Dark and light colour of the far vegetation."""
    trunks: tuple[int, int] = (0, 0)
    """Fewest and most tree trunks."""
    bark: tuple[Colour, ...] = ((92, 78, 62), (70, 60, 50))
    trunk_radius: tuple[float, float] = (0.08, 0.3)
    """Metres."""
    tufts: tuple[int, int] = (0, 0)
    grass: tuple[Colour, ...] = ((110, 124, 58), (92, 108, 48), (140, 138, 78))
    grass_height: tuple[float, float] = (0.06, 0.22)
    """Metres."""
    shrubs: tuple[int, int] = (0, 0)
    leaves: tuple[Colour, ...] = ((62, 88, 40), (82, 106, 50), (48, 70, 34))
    leaf_size: tuple[float, float] = (0.03, 0.06)
    """Length of a leaf, metres."""
    rocks: tuple[int, int] = (0, 2)
    stone: tuple[Colour, ...] = ((128, 124, 116), (108, 102, 96))
    logs: int = 0
    shade: float = 0.3
    """How much of the sun the canopy takes, 0 to 1."""
    mount: tuple[float, float] = (0.35, 0.65)
    """Height of the camera, metres."""


HABITATS: tuple[Habitat, ...] = (
    Habitat(
        name="oakwood",
        ground=((62, 48, 34), (104, 82, 58), (142, 118, 86)),
        litter=((150, 112, 70), (120, 84, 52), (174, 140, 94), (92, 66, 44)),
        trunks=(6, 11),
        bark=((96, 84, 70), (78, 68, 56), (112, 104, 92)),
        shrubs=(5, 9),
        tufts=(10, 30),
        logs=1,
        shade=0.65,
    ),
    Habitat(
        name="meadow",
        ground=((74, 78, 38), (112, 116, 58), (150, 148, 86)),
        sky=True,
        wall=((44, 62, 40), (88, 108, 70)),
        trunks=(0, 1),
        tufts=(150, 250),
        grass_height=(0.08, 0.3),
        shrubs=(1, 4),
        rocks=(0, 1),
        shade=0.05,
        mount=(0.45, 0.75),
    ),
    Habitat(
        name="wash",
        ground=((148, 120, 88), (188, 160, 122), (216, 192, 156)),
        sky=True,
        wall=((112, 94, 78), (160, 136, 112)),
        tufts=(10, 40),
        grass=((172, 156, 102), (150, 136, 92), (128, 124, 80)),
        shrubs=(4, 8),
        leaves=((112, 116, 80), (134, 134, 96), (90, 94, 66)),
        leaf_size=(0.015, 0.03),
        rocks=(4, 10),
        stone=((164, 140, 114), (140, 116, 96), (178, 160, 136)),
        shade=0.05,
    ),
    Habitat(
        name="pinewood",
        ground=((70, 46, 32), (112, 76, 52), (146, 108, 76)),
        litter=((134, 84, 50), (104, 66, 42), (160, 112, 72)),
        wall=((20, 30, 22), (58, 74, 50)),
        trunks=(9, 16),
        bark=((104, 74, 56), (84, 60, 46), (118, 92, 74)),
        trunk_radius=(0.06, 0.2),
        shrubs=(3, 6),
        leaves=((50, 82, 44), (66, 98, 52), (38, 62, 34)),
        leaf_size=(0.05, 0.1),
        tufts=(20, 50),
        logs=2,
        shade=0.5,
    ),
    Habitat(
        name="ridge",
        ground=((92, 88, 80), (132, 126, 114), (166, 160, 146)),
        sky=True,
        wall=((70, 76, 78), (116, 120, 118)),
        trunks=(0, 2),
        bark=((120, 112, 104), (142, 134, 124)),
        tufts=(40, 90),
        grass=((138, 134, 88), (118, 116, 72), (158, 148, 104)),
        shrubs=(2, 6),
        leaves=((78, 92, 60), (96, 108, 74), (60, 74, 50)),
        leaf_size=(0.015, 0.035),
        rocks=(10, 18),
        shade=0.1,
    ),
    Habitat(
        name="creek",
        ground=((52, 48, 42), (84, 78, 66), (120, 112, 96)),
        litter=((96, 92, 60), (120, 108, 72)),
        wall=((26, 40, 22), (76, 104, 56)),
        trunks=(3, 6),
        bark=((86, 82, 72), (110, 106, 96)),
        shrubs=(8, 13),
        leaves=((66, 108, 46), (88, 130, 58), (50, 84, 38)),
        leaf_size=(0.05, 0.11),
        tufts=(60, 110),
        grass=((88, 124, 50), (108, 140, 62), (74, 104, 44)),
        rocks=(4, 9),
        shade=0.5,
    ),
)
