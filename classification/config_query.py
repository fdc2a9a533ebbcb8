"""The part of a run's configuration that says what to ask labels for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class QueryConfig:
    """Which items to ask labels for."""

    strategy: str = "auto"
    """auto (coverage weighted by uncertainty: needs no choice), margin, badge, kcenter, typiclust
    or any other; an unknown name is answered with the list. FILE.py:NAME for one of your own."""
    size: int = 100
    """Queries per round."""
    seed_size: int = 100
    """Queries of round 0, before there is a model."""
    per_group: int = 1
    """Most frames of one burst (seq_id) in a batch; bursts nobody has labelled come first.
    0: no limit."""
    per_location: int = 0
    """Most crops of one camera location in a batch; 0: no limit."""
    duplicates: float = 0.0
    """Cosine similarity of embeddings (0..1) from which on two crops count as one; 0: off."""
    audit: float = 0.0
    """Share of each batch (0..1) drawn uniformly from the whole pool: its labels estimate, without
    bias, how right the model is on what nobody has labelled."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the strategy, as query.options.NAME (such as target: 3 for class_high)."""


def is_own(strategy: str) -> bool:
    """Whether this names a strategy in a file, ``FILE.py:NAME``."""
    return ".py:" in strategy


def query_problems(config: QueryConfig, *, strategies: Sequence[str]) -> list[str]:
    """Values that cannot work, in words."""
    minimum = {"size": 1, "seed_size": 1, "per_group": 0, "per_location": 0}
    found = [
        f"query.{name}: {getattr(config, name)} is below {low}"
        for name, low in minimum.items()
        if getattr(config, name) < low
    ]
    found += [
        f"query.{name}: {getattr(config, name)} is not in 0..1"
        for name in ("duplicates", "audit")
        if not 0 <= getattr(config, name) <= 1
    ]
    if config.strategy not in strategies and not is_own(config.strategy):
        found.append(
            f"query.strategy: {config.strategy!r} is unknown; allowed: {', '.join(strategies)}"
        )
    return found
