"""How right a model is on its own pool, from the queries that were drawn from it at random.

What a strategy asks for is harder than the pool, and validation cameras are other cameras; the
audit slice (`query.audit`) alone is a fair sample of what nobody has labelled. Items of a simple
random sample of a finite pool are exchangeable, bursts or not, so that the interval is exact
(hypergeometric: Katz 1953, "Confidence intervals for the number showing a certain characteristic
in a population when sampling is without replacement") and needs no locations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classification.query.names import AUDIT

if TYPE_CHECKING:
    import pandas as pd

_ROUNDING = 1e-9  # a tail may be exactly 0.025


@dataclass(frozen=True, kw_only=True)
class AuditSlice:
    """The random queries of one round, or of several together, and what they turned out to be.

    Attributes:
        round: whose model and pool it is about; -1 for several rounds together.
        num_labels: what that model had learned from.
        pool: items nobody had decided on.
        asked: random queries for which the model had a suggestion.
        answered: those with exactly one label by now. The rest (unsure, several species, not yet
            labelled) is left out, and the estimate is about the others.
        right: answers equal to the suggestion.
        accuracy: `right` of `answered`.
        interval: `[low, high]` of the accuracy on the whole pool, 95 %.
    """

    round: int
    num_labels: int
    pool: int
    asked: int
    answered: int
    right: int
    accuracy: float
    interval: list[float]


def audit_slices(
    rounds: Sequence[Mapping[str, Any]],
    queries: Mapping[int, "pd.DataFrame"],
    train: "pd.DataFrame",
) -> list[AuditSlice]:
    """One slice per round with answered random queries, in order.

    Args:
        rounds: records of ``metrics.json``.
        queries: ``query.csv`` (`schemas.QueryTable`) of rounds by number.
        train: the newest ``train.csv`` (`schemas.TrainTable`): the answers.
    """
    answers = dict(zip(train["path"], train["label"], strict=True))
    found = []
    for record in rounds:
        query = queries.get(record["round"])
        if query is None:
            continue
        asked = query[(query["strategy"] == AUDIT) & query["suggestion"].notna()]
        pairs = zip(asked["path"], asked["suggestion"], strict=True)
        hits = [answers[path] == said for path, said in pairs if path in answers]
        if not hits:
            continue
        n, right, pool = len(hits), sum(hits), int(record["num_pool"])
        found.append(
            AuditSlice(
                round=record["round"],
                num_labels=record["num_labels"],
                pool=pool,
                asked=len(asked),
                answered=n,
                right=right,
                accuracy=right / n,
                interval=pool_interval(right, n, pool=pool),
            )
        )
    return found


def together(slices: Sequence[AuditSlice]) -> AuditSlice | None:
    """All slices as one sample: the mean accuracy of their models, each on its own pool.

    Models get better by the round, so this is a cautious estimate for the newest. The interval is
    the binomial one, which is too wide if anything for rounds of different accuracy (Hoeffding
    1956). None where there is no slice.
    """
    if not slices:
        return None
    n, right = sum(s.answered for s in slices), sum(s.right for s in slices)
    return AuditSlice(
        round=-1,
        num_labels=slices[-1].num_labels,
        pool=slices[-1].pool,
        asked=sum(s.asked for s in slices),
        answered=n,
        right=right,
        accuracy=right / n,
        interval=binomial_interval(right, n),
    )


def pool_interval(right: int, n: int, *, pool: int, level: float = 0.95) -> list[float]:
    """Exact interval of the share of a pool of `pool` items, from `right` of `n` drawn from it.

    A number of good items is in it unless `right` lies in a tail of less than ``(1 - level) / 2``
    of the hypergeometric distribution that it gives.
    """
    from scipy.stats import hypergeom

    tail = (1 - level) / 2 * (1 + _ROUNDING)
    low = _first(right, pool - n + right, lambda k: hypergeom.sf(right - 1, pool, k, n) > tail)
    high = _first(right, pool - n + right + 1, lambda k: hypergeom.cdf(right, pool, k, n) <= tail)
    return [low / pool, (high - 1) / pool]


def binomial_interval(right: int, n: int, *, level: float = 0.95) -> list[float]:
    """Exact interval of a probability (Clopper & Pearson 1934), from `right` of `n` trials."""
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = float(beta.ppf(tail, right, n - right + 1)) if right else 0.0
    high = float(beta.ppf(1 - tail, right + 1, n - right)) if right < n else 1.0
    return [low, high]


def _first(low: int, high: int, holds: Any) -> int:
    """The smallest number from `low` on for which `holds`; `high` where none below it does."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
