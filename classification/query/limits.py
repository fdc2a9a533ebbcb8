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

from classification.errors import refuse, wrong_value
from classification.query.distances import row_blocks, unit_rows
from classification.query.pool import Pool
from classification.query.strategy import Strategy

_ROUNDING = 1e-6  # of a cosine: exact copies have 1 within this
_TOGETHER = 1024  # picks compared with one another: a table of 4 MB


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
            wrong_value("per_group", self.per_group, int, least=0),
            wrong_value("per_location", self.per_location, int, least=0),
            wrong_value("duplicates", self.duplicates, float, least=0, most=1),
        ]
        refuse("these limits cannot be kept:", problems)


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
    groups, labelled = np.unique(_apart(pool.groups), return_inverse=True)[1], pool.labelled
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


def _apart(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bursts, with each item of an unknown one (below 0) as a burst of its own."""
    unknown = np.flatnonzero(groups < 0)
    out = groups.copy()
    out[unknown] = groups.max(initial=-1) + 1 + np.arange(len(unknown))
    return out


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
    _copied: set[int] = field(default_factory=set)
    """What was offered again in a copy: no more copies of these are to be offered."""

    def open(self, tier: NDArray[np.intp]) -> NDArray[np.intp]:
        """What of a tier was not offered yet, is not at a location that has had its share, and
        is no copy of something that was offered in copies before."""
        if self._seen:
            tier = tier[~np.isin(tier, list(self._seen))]
        shut = np.zeros(len(tier), dtype=bool)
        if self._places is not None:
            full = [at for at, count in self._at.items() if count >= self.limits.per_location]
            shut = np.isin(self._places[tier], full)
        if self._copied:
            shut |= self._original(tier, np.array(sorted(self._copied))) >= 0
        self.refused += tier[shut].tolist()
        self._seen.update(tier[shut].tolist())
        return tier[~shut]

    def offer(self, picks: NDArray[np.intp], n: int) -> None:
        """Take what the limits allow, up to `n` in all."""
        for some in row_blocks(len(picks), _TOGETHER):
            self._offer(picks[some], n)

    def _offer(self, picks: NDArray[np.intp], n: int) -> None:
        before = np.concatenate([np.flatnonzero(self.pool.labelled), self.taken]).astype(np.intp)
        original, kept = self._original(picks, before), []
        among = self._cosines(picks, picks) if self.limits.duplicates else None
        for i, pick in enumerate(picks.tolist()):
            self._seen.add(pick)
            place = -1 if self._places is None else int(self._places[pick])
            if len(self.taken) >= n or (place >= 0 and self._at[place] >= self.limits.per_location):
                self.refused.append(pick)
                continue
            if among is not None and original[i] < 0 and kept:
                near = kept[int(among[i, kept].argmax())]
                original[i] = picks[near] if among[i, near] >= self._bar else -1
            if original[i] >= 0:
                self.refused.append(pick)
                self._copied.add(int(original[i]))
                continue
            self.taken.append(pick)
            kept.append(i)
            if place >= 0:
                self._at[place] += 1

    @property
    def _places(self) -> NDArray[np.int64] | None:
        """Where each item is, below 0 where that is unknown; None where places do not count."""
        return self.pool.locations if self.limits.per_location else None

    @property
    def _bar(self) -> float:
        return self.limits.duplicates - _ROUNDING

    def _original(self, rows: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.intp]:
        """Which of the `others` each row nearly equals, -1 where it is none."""
        out = np.full(len(rows), -1, dtype=np.intp)
        if not self.limits.duplicates or not len(others):
            return out
        for some in row_blocks(len(rows)):
            for block in row_blocks(len(others)):
                near = self._cosines(rows[some], others[block])
                found = near.argmax(axis=1)
                copies = near[np.arange(len(near)), found] >= self._bar
                out[some][copies] = others[block][found[copies]]
        return out

    def _cosines(self, rows: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.float32]:
        x = self.pool.embeddings
        return unit_rows(x[rows]) @ unit_rows(x[others]).T
