"""Any score with any diversity and a share of random picks, as one strategy.

select("mixed", pool, 100, rng, score="entropy", diversity="badge", diversity_mix=0.3)
select(ActiveLearningSampler(score=my_score, passive_learning=0.1), pool, 100, rng)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query import scores
from classification.query.committee import committee_scores
from classification.query.needs import need_probs
from classification.query.pool import Pool
from classification.query.ranking import best
from classification.query.strategy import BaseSampler, Strategy, check_options
from classification.query.uncertainty import class_scores, random

PoolScore = Callable[..., NDArray[np.floating]]
"""A pool, and options as keyword-only parameters, to a number per item: higher is chosen first."""


def _of_probs(score: Callable[[scores.Probs], NDArray[np.float32]]) -> PoolScore:
    return lambda pool, rng: score(need_probs(pool))


SCORES: dict[str, PoolScore] = {
    "margin": _of_probs(scores.margin),
    "entropy": _of_probs(scores.entropy),
    "least_confident": _of_probs(scores.least_confident),
    "bald": partial(committee_scores, scores.bald),
    "vote_entropy": partial(committee_scores, scores.vote_entropy),
    "disagreement": partial(committee_scores, scores.bald),
    "class_entropy": partial(class_scores, "entropy"),
    "class_high": partial(class_scores, "high"),
    "class_low": partial(class_scores, "low"),
}
"""Scores that have a name: of a pool, a generator and keyword-only options."""


@dataclass(frozen=True, kw_only=True)
class ActiveLearningSampler(BaseSampler):
    """A batch of random picks, then of top scores, then of diverse picks, in this order.

    What was picked before counts as labelled for what follows, so that the diverse picks keep away
    from the others. Memory is that of the diversity strategy and three numbers per item.
    """

    score: str | PoolScore = "margin"
    """A key of `SCORES`, or a function of the pool that gives a number per item."""
    diversity: str | Strategy = "kcenter"
    """The name of a strategy, a function of the same form, or a `BaseSampler`."""
    diversity_mix: float = 0.5
    """Share (0..1) of the picks that are not random which the diversity makes."""
    passive_learning: float = 0.0
    """Share (0..1) of the batch that is drawn at random."""
    weighted_by_score: bool = False
    """Multiply the distances of the diversity by the score, scaled to 0..1 over the unlabelled
    items: for strategies with an option `weights`, as kcenter, badge and cdal."""
    distance_metric: str | None = None
    """For diversities with an option `metric`, as kcenter: euclidean or cosine; None: theirs."""
    score_options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the score."""
    diversity_options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the diversity."""

    def __post_init__(self) -> None:
        problems = [
            f"{name} is {share}; it is a share, 0 to 1"
            for name, share in (
                ("diversity_mix", self.diversity_mix),
                ("passive_learning", self.passive_learning),
            )
            if not 0 <= share <= 1
        ]
        if self.score not in SCORES if isinstance(self.score, str) else not callable(self.score):
            problems.append(f"unknown score {self.score!r}; allowed: {', '.join(SCORES)}")
        if problems:
            raise FieldmarkError.from_problems("these picks cannot be composed:", problems)

    def sample(self, pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """See `BaseSampler`."""
        from classification.query.select import select  # which has this module in its registry

        drawn = random(pool, round(self.passive_learning * n), rng)
        diverse = round(self.diversity_mix * (n - len(drawn)))
        top = n - len(drawn) - diverse
        value = self._scores(pool, rng) if top or (diverse and self.weighted_by_score) else None
        picks, pool = [drawn], _without(pool, drawn)
        if value is not None and top:
            picks.append(best(value, pool.unlabelled, top, rng))
        if diverse:
            options = self._diversity_options(pool, value)
            pool = _without(pool, np.concatenate(picks))
            picks.append(select(self.diversity, pool, diverse, rng, **options))
        return np.concatenate(picks)

    def _scores(self, pool: Pool, rng: np.random.Generator) -> NDArray[np.float32]:
        """float32 [N], checked."""
        if isinstance(self.score, str):
            name, function = repr(self.score), partial(SCORES[self.score], pool, rng)
        else:
            name, function = "'custom'", partial(self.score, pool)
        check_options(f"score {name}", function, self.score_options)
        value = np.asarray(function(**self.score_options), dtype=np.float32)
        if value.shape != (len(pool),):
            raise FieldmarkError(
                f"score {name} has shape {value.shape}; it must be ({len(pool)},), one per item"
            )
        bad = pool.unlabelled[~np.isfinite(value[pool.unlabelled])]
        if len(bad):
            raise FieldmarkError(
                f"score {name} is NaN or infinite for {len(bad)} items: {bad[:5].tolist()}"
            )
        return value

    def _diversity_options(self, pool: Pool, value: NDArray[np.float32] | None) -> dict[str, Any]:
        options = dict(self.diversity_options)
        if self.distance_metric is not None:
            options["metric"] = self.distance_metric
        if self.weighted_by_score and value is not None:
            among = value[pool.unlabelled]
            low, spread = among.min(), np.ptp(among)
            scaled = (np.where(pool.labelled, low, value) - low) / (spread or 1)
            options["weights"] = scaled if spread else None
        return options


def mixed(pool: Pool, n: int, rng: np.random.Generator, **options: Any) -> NDArray[np.intp]:
    """`ActiveLearningSampler` by name. `options`: its fields."""
    check_options("strategy 'mixed'", ActiveLearningSampler, options)
    return ActiveLearningSampler(**options).sample(pool, n, rng)


def _without(pool: Pool, picks: NDArray[np.intp]) -> Pool:
    """The pool with `picks` as decided."""
    labelled = pool.labelled.copy()
    labelled[picks] = True
    return replace(pool, labelled=labelled)
