"""How much work labels were, by the times of the decisions in the ledger."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from classification.labelling.decisions import Decision

_UNTIMED = ("oracle", "timelapse", "import")
_BREAK = 600.0  # seconds without a decision after which an annotator was doing something else


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Work that went into a ledger."""

    decisions: int
    """All of them: skips, corrections and second opinions are work, too."""
    annotators: dict[str, int]
    """Decisions of each."""
    hours: float | None
    """Of work, breaks left out; None where the times do not tell, as with an oracle."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def effort(decisions: Iterable[Decision]) -> Effort:
    """What a ledger's decisions took."""
    made: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        made[decision.annotator].append(decision)
    steps = [step for own in made.values() for step in steps_of_work(own)]
    return Effort(
        decisions=sum(map(len, made.values())),
        annotators={name: len(own) for name, own in sorted(made.items())},
        hours=sum(steps) / 3600 if steps else None,
    )


def steps_of_work(decisions: Iterable[Decision]) -> list[float]:
    """Seconds between one annotator's decisions that are at most ten minutes apart.

    Decisions that came in a file say when the file was taken in, not the time they took.
    """
    stamps = [d.decided_at for d in decisions if d.decided_at and d.source not in _UNTIMED]
    times = sorted(datetime.fromisoformat(stamp).timestamp() for stamp in stamps)
    return [b - a for a, b in pairwise(times) if 0 < b - a <= _BREAK]
