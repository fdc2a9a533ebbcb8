"""How labelling stands: labels per class and annotator, speed, what waits, who disagrees."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from classification.labelling.agreement import agreement
from classification.labelling.decisions import Decision, current_decisions, latest_by_annotator
from classification.labelling.effort import steps_of_work
from classification.labelling.leases import Desk, Overlap
from classification.labelling.store import LabelStore

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Query:
    """A round and what it asked for."""

    round: int
    items: Sequence[str]
    overlap: Overlap


def status_lines(store: LabelStore, query: Query | None) -> list[str]:
    """The state of a store as text.

    Args:
        store: the ledger.
        query: the newest query of the run; None before there is one.
    """
    history = store.history()
    current = current_decisions(history)
    lines = [f"{store.name}: {len(history)} decisions on {len(current)} items"]
    lines += _table("class", Counter(d.answer for d in current.values()))
    lines += _annotators(history)
    if query is not None:
        waiting = store.undecided(query.items, query.overlap)
        lines.append(f"round {query.round} asked for {len(query.items)}: {len(waiting)} waiting")
    for annotator, count in sorted(Desk(store=store).held().items()):
        lines.append(f"  {annotator} has {count} of them on the screen")
    return lines + _agreement(history)


def labels_per_hour(decisions: Iterable[Decision]) -> float | None:
    """Decisions of one annotator per hour of work, breaks left out; None where time is unknown."""
    steps = steps_of_work(decisions)
    return len(steps) * 3600 / sum(steps) if steps else None


def _annotators(history: list[Decision]) -> list[str]:
    made: dict[str, list[Decision]] = defaultdict(list)
    for decision in history:
        made[decision.annotator].append(decision)
    lines = [f"{'annotator':26s} {'decisions':>9s}  {'per hour':>9s}"]
    for annotator, decisions in sorted(made.items()):
        speed = labels_per_hour(d for d in decisions if d.decided_at)
        shown = "-" if speed is None else f"{speed:.0f}"
        lines.append(f"  {annotator:24s} {len(decisions):9d}  {shown:>9s}")
    return lines if made else []


def _agreement(history: list[Decision]) -> list[str]:
    found = agreement(latest_by_annotator(history))
    if not found.items:
        return []
    lines = [f"{found.items} items have several answers; Fleiss' kappa {_kappa(found.fleiss)}"]
    for (first, second), (count, kappa) in found.cohen.items():
        lines.append(f"  {first}, {second}: {count} items, Cohen's kappa {_kappa(kappa)}")
    lines.append(f"{len(found.disagreements)} disagreements")
    for item, said in list(found.disagreements.items())[:_SHOWN]:
        lines.append(f"  {item}: " + ", ".join(f"{who} {what}" for who, what in said.items()))
    if len(found.disagreements) > _SHOWN:
        lines.append("  ... (all of them: label.py export --format ledger)")
    return lines


def _table(what: str, counts: Counter[str]) -> list[str]:
    if not counts:
        return []
    rows = [f"  {name:24s} {count:9d}" for name, count in counts.most_common()]
    return [f"{what:26s} {'items':>9s}", *rows]


def _kappa(value: float | None) -> str:
    return "undefined (one answer only)" if value is None else f"{value:.3f}"
