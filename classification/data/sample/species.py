"""The species of the sample. Each has a look-alike of other proportions or markings."""

from classification.data.sample.anatomy import Build, Coat, Species

DEER = Species(
    name="deer",
    share=0.37,
    night=0.45,
    speed=0.5,
    depth=(3.0, 8.5),
    postures={"walk": 3, "stand": 1.5, "graze": 3, "alert": 2},
    company=0.16,
    build=Build(
        shoulder=0.9, body=0.66, chest=0.25, waist=0.215, rump=0.225, leg=0.034,
        neck=0.5, neck_radius=0.095, neck_angle=52, head=0.1, muzzle=0.2, muzzle_radius=0.056,
        ear=0.22, ear_radius=0.055, ear_round=0.35,
        tail=0.2, tail_radii=(0.05, 0.06, 0.03), tail_angle=-50, tail_curl=-20, antlers=0.45,
    ),
    coat=Coat(
        back=(140, 108, 78), belly=(206, 190, 166), legs=(150, 118, 88), feet=(50, 42, 36),
        neck=(142, 112, 84), head=(134, 106, 82), muzzle=(92, 78, 68), ear=(122, 98, 80),
        tail=(226, 216, 200), tail_tip=(40, 34, 30), rump=(158, 130, 102),
        pattern="grizzle", contrast=0.12, period=0.03, shaggy=0.04,
    ),
)  # fmt: skip

ELK = Species(
    name="elk",
    share=0.1,
    night=0.4,
    speed=0.6,
    depth=(4.4, 11.0),
    postures={"walk": 3, "stand": 2, "graze": 3, "alert": 1.5},
    company=0.16,
    build=Build(
        shoulder=1.35, body=0.7, chest=0.285, waist=0.26, rump=0.25, leg=0.04,
        neck=0.46, neck_radius=0.14, neck_angle=44, head=0.098, muzzle=0.21, muzzle_radius=0.062,
        ear=0.19, ear_radius=0.05, ear_round=0.35,
        tail=0.1, tail_radii=(0.04, 0.04, 0.03), tail_angle=-55, tail_curl=-10, antlers=0.8,
    ),
    coat=Coat(
        back=(158, 126, 92), belly=(112, 84, 62), legs=(92, 70, 54), feet=(44, 36, 32),
        neck=(88, 64, 48), head=(96, 72, 56), muzzle=(70, 56, 48), ear=(104, 82, 66),
        tail=(214, 190, 152), tail_tip=(206, 182, 146), rump=(208, 182, 142),
        pattern="grizzle", contrast=0.12, period=0.03, shaggy=0.06,
    ),
)  # fmt: skip

COYOTE = Species(
    name="coyote",
    share=0.18,
    night=0.6,
    speed=0.8,
    depth=(2.0, 6.0),
    postures={"walk": 5, "stand": 2, "graze": 2, "alert": 1, "sit": 0.5},
    company=0.07,
    build=Build(
        shoulder=0.58, body=0.72, chest=0.225, waist=0.17, rump=0.19, leg=0.045,
        neck=0.34, neck_radius=0.125, neck_angle=32, head=0.125, muzzle=0.2, muzzle_radius=0.055,
        ear=0.2, ear_radius=0.065, ear_round=0.1,
        tail=0.7, tail_radii=(0.06, 0.1, 0.04), tail_angle=-48, tail_curl=-18,
    ),
    coat=Coat(
        back=(132, 118, 100), belly=(190, 176, 154), legs=(162, 130, 96), feet=(158, 128, 98),
        neck=(144, 128, 106), head=(142, 118, 92), muzzle=(160, 140, 116), ear=(150, 112, 80),
        tail=(126, 110, 92), tail_tip=(36, 32, 30), rump=(118, 106, 90),
        pattern="grizzle", pattern_colour=(44, 40, 36), contrast=0.42, period=0.06, shaggy=0.09,
    ),
)  # fmt: skip

FOX = Species(
    name="fox",
    share=0.1,
    night=0.65,
    speed=0.7,
    depth=(1.7, 4.5),
    postures={"walk": 5, "stand": 2, "graze": 2, "alert": 1, "sit": 0.7},
    build=Build(
        shoulder=0.38, body=0.8, chest=0.2, waist=0.16, rump=0.175, leg=0.042,
        neck=0.3, neck_radius=0.115, neck_angle=30, head=0.13, muzzle=0.19, muzzle_radius=0.045,
        ear=0.23, ear_radius=0.075, ear_round=0.1,
        tail=0.95, tail_radii=(0.07, 0.14, 0.06), tail_angle=-30, tail_curl=-12,
    ),
    coat=Coat(
        back=(168, 100, 54), belly=(206, 188, 166), legs=(120, 78, 50), feet=(38, 30, 28),
        neck=(172, 108, 62), head=(170, 106, 60), muzzle=(204, 186, 166), ear=(52, 40, 34),
        tail=(158, 98, 56), tail_tip=(226, 216, 204), rump=(158, 96, 54),
        pattern="grizzle", pattern_colour=(70, 50, 36), contrast=0.22, period=0.06, shaggy=0.1,
    ),
)  # fmt: skip

BOBCAT = Species(
    name="bobcat",
    share=0.07,
    night=0.6,
    speed=0.5,
    depth=(1.9, 5.0),
    postures={"walk": 4, "stand": 1.5, "crouch": 1.5, "sit": 2, "graze": 0.6},
    build=Build(
        shoulder=0.5, body=0.85, chest=0.205, waist=0.19, rump=0.2, hip=1.05, leg=0.055,
        neck=0.24, neck_radius=0.125, neck_angle=28, head=0.155, muzzle=0.09, muzzle_radius=0.085,
        ear=0.17, ear_radius=0.075, ear_round=0.1,
        tail=0.26, tail_radii=(0.05, 0.05, 0.045), tail_angle=-20, tail_curl=30,
    ),
    coat=Coat(
        back=(154, 122, 90), belly=(208, 194, 172), legs=(158, 130, 100), feet=(166, 142, 114),
        neck=(160, 130, 98), head=(158, 130, 100), muzzle=(206, 194, 176), ear=(66, 56, 48),
        tail=(158, 128, 98), tail_tip=(34, 30, 28), rump=(152, 120, 88),
        pattern="spots", pattern_colour=(64, 46, 34), contrast=0.75, period=0.2, shaggy=0.06,
    ),
)  # fmt: skip

CAT = Species(
    name="cat",
    share=0.025,
    night=0.5,
    speed=0.5,
    depth=(1.3, 3.0),
    postures={"walk": 4, "stand": 1.5, "crouch": 1.5, "sit": 2, "graze": 0.6},
    build=Build(
        shoulder=0.29, body=1.12, chest=0.215, waist=0.19, rump=0.2, leg=0.058,
        neck=0.2, neck_radius=0.14, neck_angle=32, head=0.17, muzzle=0.08, muzzle_radius=0.075,
        ear=0.17, ear_radius=0.075, ear_round=0.1,
        tail=0.95, tail_radii=(0.05, 0.05, 0.045), tail_angle=-10, tail_curl=50,
    ),
    coat=Coat(
        back=(128, 114, 96), belly=(176, 164, 146), legs=(132, 118, 100), feet=(150, 138, 122),
        neck=(132, 118, 100), head=(130, 116, 98), muzzle=(186, 176, 162), ear=(112, 98, 84),
        tail=(118, 104, 88), tail_tip=(40, 36, 32), rump=(124, 110, 92),
        pattern="stripes", pattern_colour=(48, 40, 34), contrast=0.7, period=0.17, shaggy=0.05,
    ),
)  # fmt: skip

SQUIRREL = Species(
    name="squirrel",
    share=0.11,
    night=0.04,
    speed=0.25,
    depth=(0.95, 1.9),
    postures={"walk": 3, "crouch": 2, "sit": 3.5},
    build=Build(
        shoulder=0.13, body=0.85, chest=0.35, waist=0.355, rump=0.4, hip=1.08, leg=0.07,
        neck=0.22, neck_radius=0.2, neck_angle=30, head=0.22, muzzle=0.16, muzzle_radius=0.1,
        ear=0.17, ear_radius=0.09, ear_round=0.6,
        tail=1.5, tail_radii=(0.12, 0.24, 0.14), tail_angle=98, tail_curl=-70,
    ),
    coat=Coat(
        back=(116, 106, 96), belly=(206, 200, 190), legs=(124, 110, 96), feet=(120, 104, 90),
        neck=(118, 106, 96), head=(120, 104, 90), muzzle=(136, 118, 102), ear=(118, 102, 90),
        tail=(128, 120, 112), tail_tip=(170, 164, 158), rump=(118, 106, 94),
        pattern="grizzle", pattern_colour=(60, 54, 50), contrast=0.35, period=0.1, shaggy=0.12,
    ),
)  # fmt: skip

RAT = Species(
    name="rat",
    share=0.045,
    night=0.92,
    speed=0.25,
    depth=(0.9, 1.6),
    postures={"walk": 3.5, "crouch": 3, "sit": 1},
    build=Build(
        shoulder=0.11, body=1.0, chest=0.36, waist=0.4, rump=0.42, hip=1.05, leg=0.06,
        neck=0.22, neck_radius=0.21, neck_angle=8, head=0.21, muzzle=0.26, muzzle_radius=0.085,
        ear=0.13, ear_radius=0.085, ear_round=0.8,
        tail=1.7, tail_radii=(0.075, 0.05, 0.025), tail_angle=-22, tail_curl=25,
    ),
    coat=Coat(
        back=(108, 92, 78), belly=(176, 166, 152), legs=(120, 104, 92), feet=(168, 146, 134),
        neck=(110, 94, 80), head=(110, 94, 80), muzzle=(126, 108, 94), ear=(144, 118, 108),
        tail=(134, 112, 102), tail_tip=(140, 118, 108), rump=(106, 90, 76),
        pattern="grizzle", pattern_colour=(56, 48, 42), contrast=0.3, period=0.1, shaggy=0.08,
    ),
)  # fmt: skip

SPECIES: dict[str, Species] = {
    one.name: one for one in (DEER, ELK, COYOTE, FOX, BOBCAT, CAT, SQUIRREL, RAT)
}
