"""Who labels what now: items are leased, so that two people do not label the same one.

A lease ends with a decision, when it is given back, or when its time is up: an annotator who went
home blocks nothing. On an overlap, a share of the items chosen by their names, several annotators
are asked on purpose, so that their agreement can be measured.
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, exists, func, insert, select

from classification.labelling.store_schema import decisions, leases

if TYPE_CHECKING:
    from classification.labelling.store import LabelStore

_MANY = 40  # chunks beyond which reading the whole table is faster
_CHUNK = 500  # items looked at per query; SQLite before 3.32 takes 999 values at most


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """The share of items that several annotators label."""

    share: float = 0.0
    """0..1; the same items whatever the machine, and those of a smaller share are among them."""
    annotators: int = 2
    """How many label each of them."""

    def annotators_for(self, item: str) -> int:
        """How many annotators an item needs."""
        if not self.share:
            return 1
        digest = hashlib.sha256(item.encode()).digest()
        return self.annotators if int.from_bytes(digest[:4]) < self.share * 2**32 else 1


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where annotators of one store get their items; any number of desks may be open."""

    store: "LabelStore"
    overlap: Overlap = field(default_factory=Overlap)
    seconds: float = 600.0
    """How long a lease lasts; taking again what one holds renews it."""
    clock: Callable[[], float] = time.time
    """Seconds since 1970; the clocks of a team's machines should agree within a minute."""

    def take(self, items: Sequence[str], *, annotator: str, count: int) -> list[str]:
        """Lease up to `count` of `items` to an annotator, in their order.

        Args:
            items: what may be labelled, best first.
            annotator: gets what they hold already, and else what nobody holds; what they skipped
                comes last.
            count: how many to hold at most.
        """
        now, taken, skipped = self.clock(), [], []
        with self.store.database.writing() as connection:
            connection.execute(delete(leases).where(leases.c.expires_at <= now))
            for start in range(0, len(items), _CHUNK):
                chunk = list(dict.fromkeys(items[start : start + _CHUNK]))
                for item, again in self._free(connection, chunk, annotator):
                    (skipped if again else taken).append(item)
                if len(taken) >= count:
                    break
            taken = list(dict.fromkeys([*taken, *skipped]))[:count]
            free_leases(connection, [(item, annotator) for item in taken])
            if taken:
                until = now + self.seconds
                rows = [{"item": i, "annotator": annotator, "expires_at": until} for i in taken]
                connection.execute(insert(leases), rows)
        return taken

    def give_back(self, items: Iterable[str], *, annotator: str) -> None:
        """End an annotator's leases on `items`."""
        with self.store.database.writing() as connection:
            free_leases(connection, [(item, annotator) for item in items])

    def held(self) -> dict[str, int]:
        """Number of items that each annotator holds now."""
        query = select(leases.c.annotator, func.count()).where(leases.c.expires_at > self.clock())
        with self.store.database.reading() as connection:
            return dict(connection.execute(query.group_by(leases.c.annotator)).all())

    def _free(
        self, connection: Connection, chunk: list[str], annotator: str
    ) -> Iterable[tuple[str, bool]]:
        """Items that `annotator` may take, each with whether they skipped it before."""
        holders = _holders(connection, chunk)
        for item, verdicts in last_verdicts(connection, chunk):
            mine = verdicts.pop(annotator, None)
            others = sum(verdict != "skip" for verdict in verdicts.values())
            others += len(holders[item] - {annotator})
            if mine in (None, "skip") and others < self.overlap.annotators_for(item):
                yield item, mine == "skip"


def free_leases(connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """End leases on (item, annotator)."""
    if not pairs or not connection.scalar(select(exists().select_from(leases))):
        return
    wanted = defaultdict(list)
    for item, annotator in pairs:
        wanted[annotator].append(item)
    for annotator, items in wanted.items():
        for start in range(0, len(items), _CHUNK):
            which = leases.c.item.in_(items[start : start + _CHUNK])
            connection.execute(delete(leases).where(leases.c.annotator == annotator, which))


def last_verdicts(
    connection: Connection, items: Sequence[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each item, in order, with each annotator's last verdict on it that is not undone."""
    chunks = [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]
    for chunk in chunks if len(chunks) < _MANY else [items]:
        query = select(decisions.c.item, decisions.c.annotator, decisions.c.verdict)
        if chunk is not items:
            query = query.where(decisions.c.item.in_(chunk))
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for item, annotator, verdict in connection.execute(query.order_by(decisions.c.id)):
            found[item][annotator] = verdict
        for item in chunk:
            verdicts = found.get(item)
            yield item, {who: v for who, v in verdicts.items() if v != "undo"} if verdicts else {}


def _holders(connection: Connection, items: list[str]) -> dict[str, set[str]]:
    query = select(leases.c.item, leases.c.annotator).where(leases.c.item.in_(items))
    found: dict[str, set[str]] = defaultdict(set)
    for item, annotator in connection.execute(query):
        found[item].add(annotator)
    return found
