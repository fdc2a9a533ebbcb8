"""The plan: counts, the long tail, and differences between locations."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.data.sample.schedule import Sequence, is_night, plan
from classification.data.sample.species import SPECIES


def images_per_species(sequences: list[Sequence]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in sequences:
        counts[one.species[0] if one.species else "empty"] += one.frames
    return counts


@given(
    seed=st.integers(0, 2**31), locations=st.integers(12, 30), images=st.integers(60, 800)
)  # fmt: skip
@settings(max_examples=20)
def test_a_plan_has_exactly_the_images_and_every_species(
    seed: int, locations: int, images: int
) -> None:
    sequences = plan(seed=seed, locations=locations, images=images)
    assert sum(one.frames for one in sequences) == images
    assert {one.location for one in sequences} == set(range(locations))
    assert set(images_per_species(sequences)) == {"empty", *SPECIES}


@given(seed=st.integers(0, 2**31))
@settings(max_examples=10)
def test_the_tail_is_long(seed: int) -> None:
    counts = images_per_species(plan(seed=seed, locations=16, images=1500))
    assert 0.10 <= counts.pop("empty") / 1500 <= 0.15
    animals = sum(counts.values())
    (common, most), *_, (_, least) = counts.most_common()
    assert common == "deer"
    assert 0.34 <= most / animals <= 0.40
    assert 0.01 <= least / animals <= 0.03


def test_species_are_spread_unevenly_but_rare_ones_are_seen_at_several_places() -> None:
    sequences = plan(seed=0, locations=16, images=1500)
    at: dict[str, Counter[int]] = {name: Counter() for name in SPECIES}
    for one in sequences:
        for name in one.species:
            at[name][one.location] += one.frames
    assert all(len(places) >= 4 for places in at.values())
    total = Counter(
        {n: sum(one.frames for one in sequences if one.location == n) for n in range(16)}
    )
    shares = [at["coyote"][n] / total[n] for n in range(16)]
    assert max(shares) > 3 * min(shares)


def test_bursts_of_a_location_do_not_overlap_and_are_in_order() -> None:
    sequences = plan(seed=0, locations=12, images=600)
    for location in range(12):
        mine = [one for one in sequences if one.location == location]
        assert [one.index for one in mine] == list(range(len(mine)))
        ends = [one.time(one.frames - 1) for one in mine]
        assert all(end < later.start for end, later in zip(ends, mine[1:], strict=False))


@pytest.mark.parametrize(("name", "low", "high"), [("squirrel", 0.0, 0.2), ("rat", 0.75, 1.0)])
def test_species_keep_their_hours(name: str, low: float, high: float) -> None:
    mine = [s for s in plan(seed=0, locations=16, images=1500) if s.species[:1] == (name,)]
    assert low <= sum(is_night(s.start) for s in mine) / len(mine) <= high


def test_some_bursts_show_two_animals() -> None:
    sequences = plan(seed=0, locations=16, images=1500)
    assert 0.02 <= sum(len(one.species) == 2 for one in sequences) / len(sequences) <= 0.2
