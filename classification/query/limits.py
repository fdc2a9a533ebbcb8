"""Bursts, locations and near-duplicates: what any strategy's batch must not be full of.

Frames of one burst carry nearly the same information, so one label should speak for all of them.
A strategy runs on one frame per burst (`per_group`), first those of bursts nobody has labelled, and
its picks pass a gate that turns away what the batch has enough of. Where the pool cannot fill a
batch within the limits, the limits give way in a stated order rather than the batch.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.pool import Pool
from classification.query.strategy import Strategy


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Caps of a batch; 0 is no cap."""

    per_group: int = 0
    """Most items of one burst. Bursts without a label come first."""
    per_location: int = 0
    """Most items of one camera location."""
    duplicates: float = 0.0
    """Cosine similarity (0..1) from which on two embeddings count as one item."""

    def check(self) -> None:
        """Raise a FieldmarkError for values that make no sense."""
        problems = [
            f"{name} is {value}; give 0 (no limit) or more"
            for name, value in (
                ("per_group", self.per_group),
                ("per_location", self.per_location),
            )
            if value < 0
        ]
        if not 0 <= self.duplicates <= 1:
            problems.append(f"duplicates is {self.duplicates}; it is a cosine similarity, 0 to 1")
        if problems:
            raise FieldmarkError.from_problems("these limits cannot be kept:", problems)


def within(strategy: Strategy, limits: Limits) -> Strategy:
    """`strategy` under `limits`. Pools without groups or locations are not limited by them."""
    limits.check()

    def limited(pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        gate = _Gate(pool, limits)
        for tier in _tiers(pool, limits, rng):
            while len(gate.taken) < n and len(tier := gate.open(tier)):
                gate.offer(_run(strategy, pool, tier, gate.taken, n - len(gate.taken), rng), n)
        return np.array((gate.taken + gate.refused)[:n], dtype=np.intp)

    return limited


def _run(
    strategy: Strategy,
    pool: Pool,
    candidates: NDArray[np.intp],
    taken: list[int],
    n: int,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """The strategy's choice among `candidates`, with what was taken before counting as labelled."""
    if not taken and len(candidates) == (~pool.labelled).sum():
        return strategy(pool, n, rng)  # no copy of a large pool
    chosen = pool.labelled.copy()
    chosen[taken] = True
    rows = np.flatnonzero(chosen)
    rows = np.sort(np.concatenate([rows, candidates]))
    part = replace(pool.rows(rows), labelled=chosen[rows])
    return rows[strategy(part, min(n, len(candidates)), rng)]


def _tiers(pool: Pool, limits: Limits, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Unlabelled positions, those first that break no cap and whose burst has fewest labels."""
    free = pool.unlabelled
    if pool.groups is None or not limits.per_group:
        yield free
        return
    groups, labelled = np.unique(pool.groups, return_inverse=True)[1], pool.labelled
    known = np.bincount(groups[labelled], minlength=groups.max() + 1)
    shuffled = free[rng.permutation(len(free))]
    shuffled = shuffled[np.argsort(groups[shuffled], kind="stable")]
    starts = np.flatnonzero(np.diff(groups[shuffled], prepend=-1))
    sizes = np.diff(starts, append=len(shuffled))
    rank = np.arange(len(shuffled)) - np.repeat(starts, sizes)  # within its burst
    over, before = rank // limits.per_group, known[groups[shuffled]] // limits.per_group
    order = np.lexsort((before, over))
    keys = np.stack([over[order], before[order]], axis=1)
    borders = np.flatnonzero((np.diff(keys, axis=0) != 0).any(axis=1)) + 1
    yield from (np.sort(tier) for tier in np.split(shuffled[order], borders) if len(tier))


@dataclass
class _Gate:
    """Takes picks one by one and turns away what the batch has enough of."""

    pool: Pool
    limits: Limits
    taken: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    """In the order they were offered: they fill a batch that nothing else can."""
    _seen: set[int] = field(default_factory=set)
    _at: Counter[int] = field(default_factory=Counter)

    def open(self, tier: NDArray[np.intp]) -> NDArray[np.intp]:
        """What of a tier was not offered yet and is not at a location that has had its share."""
        cap, places = self.limits.per_location, self.pool.locations
        mask = np.ones(len(tier), dtype=bool)
        if self._seen:
            mask &= ~np.isin(tier, list(self._seen))
        if cap and places is not None:
            full = [place for place, count in self._at.items() if count >= cap]
            shut = mask & np.isin(places[tier], full)
            self.refused += tier[shut].tolist()
            self._seen.update(tier[shut].tolist())
            mask &= ~shut
        return tier[mask]

    def offer(self, picks: NDArray[np.intp], n: int) -> None:
        """Take what the limits allow, up to `n` in all."""
        cap, places = self.limits.per_location, self.pool.locations
        copies = self._copies(picks)
        for pick, copy in zip(picks.tolist(), copies, strict=True):
            self._seen.add(pick)
            place = int(places[pick]) if cap and places is not None else -1
            full = place >= 0 and self._at[place] >= cap
            if copy or full or len(self.taken) >= n:
                self.refused.append(pick)
            else:
                self.taken.append(pick)
                self._at[place] += 1

    def _copies(self, picks: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which picks nearly equal a labelled item, an earlier pick, or one before them."""
        copy = np.zeros(len(picks), dtype=bool)
        if not self.limits.duplicates:
            return copy
        rows = _unit(self.pool.embeddings[picks])
        others = np.concatenate([np.flatnonzero(self.pool.labelled), np.array(self.taken, np.intp)])
        for start in range(0, len(others), 4096):
            near = _unit(self.pool.embeddings[others[start : start + 4096]]) @ rows.T
            copy |= near.max(axis=0, initial=-1) >= self.limits.duplicates
        for i in range(1, len(rows)):
            first = ~copy[:i]
            copy[i] |= (rows[:i][first] @ rows[i]).max(initial=-1) >= self.limits.duplicates
        return copy


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
