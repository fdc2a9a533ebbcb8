"""Who walks past which camera when: a long tail of species, uneven between locations."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from classification.data.sample.species import SPECIES

PLAN_STREAM = 1  # number of the random stream that makes the plan
EMPTY_SHARE = 0.125  # wind and warm ground set off real cameras too
BURSTS = {1: 0.15, 2: 0.15, 3: 0.5, 5: 0.2}  # frames in a burst -> share of bursts
START = datetime(2023, 4, 3)
DAYS = 150
DAWN, DUSK = 5.8, 19.6  # hours between which it is light


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """One burst: the frames a camera takes when something sets it off."""

    location: int
    index: int
    """Number within the location, in order of time."""
    start: datetime
    frames: int
    interval: int
    """Seconds between frames."""
    species: tuple[str, ...]
    """One name per animal in view; empty where there is none."""

    def time(self, frame: int) -> datetime:
        """When frame number `frame` (from 0) was taken."""
        return self.start + timedelta(seconds=self.interval * frame)


def is_night(moment: datetime) -> bool:
    """Whether the camera uses its infrared flash."""
    hour = moment.hour + moment.minute / 60
    return not DAWN <= hour < DUSK


def plan(*, seed: int, locations: int, images: int) -> list[Sequence]:
    """All bursts of a dataset, exactly `images` frames, ordered by location and time."""
    rng = np.random.default_rng([seed, PLAN_STREAM])
    places, frames = _bursts(rng, locations, images)
    species = _assign(rng, places, frames, locations)
    sequences = []
    for location in range(locations):
        mine = [number for number in range(len(places)) if places[number] == location]
        starts = _starts(rng, [species[number] for number in mine])
        for index, (start, number) in enumerate(sorted(zip(starts, mine, strict=True))):
            sequences.append(
                Sequence(
                    location=location,
                    index=index,
                    start=start,
                    frames=frames[number],
                    interval=int(rng.integers(1, 3)),
                    species=_with_company(rng, species[number]),
                )
            )
    return sequences


def _bursts(rng: np.random.Generator, locations: int, images: int) -> tuple[list[int], list[int]]:
    """Location and length of every burst; busy and quiet locations differ about tenfold."""
    busy = rng.lognormal(0, 0.6, locations)
    share = busy / busy.sum()
    places = list(range(locations))  # nobody is left without a burst
    frames = [1] * locations
    left = images - locations
    while left > 0:
        length = min(left, int(rng.choice(list(BURSTS), p=list(BURSTS.values()))))
        places.append(int(rng.choice(locations, p=share)))
        frames.append(length)
        left -= length
    return places, frames


def _assign(
    rng: np.random.Generator, places: list[int], frames: list[int], locations: int
) -> list[str | None]:
    """A species for every burst, rarest first, so that each gets its share of the images.

    A location likes some species more than others; a species that has been at a location is less
    likely to get its next burst there, so that rare ones are seen at several.
    """
    total = sum(frames)
    quotas: dict[str | None, float] = {None: EMPTY_SHARE * total}
    quotas |= {one.name: one.share * total * (1 - EMPTY_SHARE) for one in SPECIES.values()}
    order = sorted(quotas, key=lambda name: quotas[name])
    chosen: list[str | None] = [order[-1]] * len(places)
    free, lengths = np.ones(len(places), dtype=bool), np.array(frames)
    for name in order[:-1]:
        liking = rng.gamma(1.2 if name else 8.0, size=locations) + 0.02
        seen, got = np.zeros(locations), 0
        while got < quotas[name] and free.any():
            fits = free & (lengths <= max(1, quotas[name] - got))
            weight = (fits if fits.any() else free) * (liking / (1 + seen))[places]
            number = int(rng.choice(len(places), p=weight / weight.sum()))
            free[number] = False
            chosen[number] = name
            seen[places[number]] += 1
            got += frames[number]
    return chosen


def _starts(rng: np.random.Generator, species: list[str | None]) -> list[datetime]:
    """A time for each burst, at least ten minutes from any other at the location."""
    taken: list[datetime] = []
    for name in species:
        dark = rng.random() < (SPECIES[name].night if name else 0.3)
        while True:
            moment = START + timedelta(
                days=int(rng.integers(DAYS)), seconds=int(rng.integers(86_400))
            )
            apart = all(abs(moment - other) > timedelta(minutes=10) for other in taken)
            if apart and is_night(moment) == dark:
                break
        taken.append(moment)
    return taken


def _with_company(rng: np.random.Generator, name: str | None) -> tuple[str, ...]:
    if name is None:
        return ()
    if rng.random() >= SPECIES[name].company:
        return (name,)
    other = "squirrel" if rng.random() < 0.12 else name
    return (name, other)
