"""The registry of strategies and the one way to run them."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError, refuse, wrong_value
from classification.query import scores
from classification.query.alfa_mix import alfa_mix
from classification.query.auto import auto
from classification.query.badge import badge
from classification.query.bait import bait
from classification.query.cdal import cdal
from classification.query.centres import cluster_centres, margin_cluster_mean
from classification.query.check import checked
from classification.query.cluster_margin import cluster_margin, informative_diverse
from classification.query.committee import by_committee
from classification.query.composition import mixed
from classification.query.dropquery import dropquery
from classification.query.falcun import falcun
from classification.query.graph_density import graph_density
from classification.query.herding import maxherding, uherding
from classification.query.hierarchical import hierarchical
from classification.query.imbalance import direct, galaxy
from classification.query.kcenter import kcenter
from classification.query.limits import Limits, within
from classification.query.mixture import mixture_of_samplers
from classification.query.names import ALIASES, STRATEGY_NAMES
from classification.query.pool import Pool
from classification.query.probcover import probcover
from classification.query.simulate import simulate_batch
from classification.query.strategy import Strategy, check_options
from classification.query.typiclust import typiclust
from classification.query.uncertainty import by_class, by_score, random

STRATEGIES: dict[str, Strategy] = {
    "auto": auto,
    "random": random,
    "margin": by_score(scores.margin),
    "entropy": by_score(scores.entropy),
    "least_confident": by_score(scores.least_confident),
    "bald": by_committee(scores.bald),
    "vote_entropy": by_committee(scores.vote_entropy),
    # Mean Kullback-Leibler divergence to the consensus (McCallum and Nigam 1998): BALD's formula.
    "disagreement": by_committee(scores.bald),
    "class_entropy": by_class("entropy"),
    "class_high": by_class("high"),
    "class_low": by_class("low"),
    "kcenter": kcenter,
    "badge": badge,
    "cdal": cdal,
    "falcun": falcun,
    "mixed": mixed,
    "bait": bait,
    "galaxy": galaxy,
    "direct": direct,
    "alfa_mix": alfa_mix,
    "typiclust": typiclust,
    "cluster_margin": cluster_margin,
    "informative_diverse": informative_diverse,
    "hierarchical": hierarchical,
    "graph_density": graph_density,
    "mixture_of_samplers": mixture_of_samplers,
    "simulate_batch": simulate_batch,
    "maxherding": maxherding,
    "uherding": uherding,
    "cluster_centres": cluster_centres,
    "margin_cluster_mean": margin_cluster_mean,
    "dropquery": dropquery,
    "probcover": probcover,
}
assert tuple(STRATEGIES) == STRATEGY_NAMES


def select(
    strategy: str | Strategy,
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    per_group: int = 0,
    per_location: int = 0,
    duplicates: float = 0.0,
    passive: float = 0.0,
    **options: Any,
) -> NDArray[np.intp]:
    """Run a strategy.

    Args:
        strategy: a key of `STRATEGIES`, a function of the same form, or a `BaseSampler`.
        pool: what there is to choose from.
        n: how many; when fewer are unlabelled, all of them are returned.
        rng: source of every random choice.
        per_group: most items of one burst (`Pool.groups`) in the batch, bursts without labels
            first; 0: no limit.
        per_location: most items of one camera location; 0: no limit.
        duplicates: cosine similarity (0..1) from which on two items count as one; 0: off.
        passive: share of the batch that is drawn at random instead (0..1), first in the result.
        options: of the strategy; its keyword-only parameters.

    Returns:
        intp [min(n, unlabelled)]: positions into the pool, best first, unique, none labelled.

    Raises:
        FieldmarkError: unknown name or option, negative `n`, a faulty pool, no model where one is
            needed, or a custom strategy that returned positions it may not choose.
    """
    chosen = resolve(strategy)
    name = strategy if isinstance(strategy, str) else getattr(strategy, "__name__", "custom")
    _check_request(n, rng, passive)
    limits = Limits(per_group=per_group, per_location=per_location, duplicates=duplicates)
    limits.check()
    check_options(f"strategy {name!r}", chosen, options)
    pool = checked(pool)
    n = min(int(n), len(pool.unlabelled))
    if not n:
        return np.zeros(0, dtype=np.intp)
    run = _held(partial(chosen, **options), name)
    if passive:
        run = _partly_random(run, passive)
    return within(run, limits)(pool, n, rng) if limits != Limits() else run(pool, n, rng)


def resolve(strategy: str | Strategy) -> Strategy:
    """The strategy of a name; anything else is one already.

    Raises:
        FieldmarkError: unknown name, or nothing that can be called.
    """
    if not isinstance(strategy, str):
        if not callable(strategy) or isinstance(strategy, type):
            raise FieldmarkError(
                f"{strategy!r} is no strategy; give a name, a function of pool, n and rng, or an "
                "object of a subclass of BaseSampler"
            )
        return strategy
    name = ALIASES.get(strategy, strategy)
    if name not in STRATEGIES:
        raise FieldmarkError(f"unknown strategy {strategy!r}; allowed: {', '.join(STRATEGIES)}")
    return STRATEGIES[name]


def _check_request(n: int, rng: np.random.Generator, passive: float) -> None:
    problems = [
        wrong_value("n", n, int, least=0),
        wrong_value("passive", passive, float, least=0, most=1),
    ]
    if not isinstance(rng, np.random.Generator):
        problems.append(f"rng is {rng!r}; give a numpy Generator, as np.random.default_rng(0)")
    refuse("nothing can be selected:", problems)


def _partly_random(strategy: Strategy, share: float) -> Strategy:
    """A share of each batch drawn uniformly, the rest by `strategy` with those as labelled."""

    def mixed(pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        drawn = random(pool, round(share * n), rng)
        labelled = pool.labelled.copy()
        labelled[drawn] = True
        if len(drawn) == n:
            return drawn
        rest = strategy(replace(pool, labelled=labelled), n - len(drawn), rng)
        return np.concatenate([drawn, rest])

    return mixed


def _held(strategy: Strategy, name: str) -> Strategy:
    """Every strategy, ours or not, held to what it promises: limits ask it several times."""

    def held(pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        return _checked(strategy(pool, n, rng), pool, n, name)

    return held


def _checked(picks: NDArray[np.intp], pool: Pool, n: int, name: str) -> NDArray[np.intp]:
    picks = np.asarray(picks)
    whole = picks.ndim == 1 and (np.issubdtype(picks.dtype, np.integer) or not len(picks))
    if not whole or (len(picks) and not 0 <= picks.min() <= picks.max() < len(pool)):
        raise FieldmarkError(f"strategy {name!r} must return positions 0 to {len(pool) - 1}")
    picks = picks.astype(np.intp)
    problems = []
    if len(picks) != n:
        problems.append(f"{len(picks)} positions where {n} were asked for")
    if len(np.unique(picks)) != len(picks):
        problems.append("some position twice")
    if pool.labelled[picks].any():
        problems.append(f"labelled positions: {picks[pool.labelled[picks]][:5].tolist()}")
    if problems:
        raise FieldmarkError.from_problems(f"strategy {name!r} returned", problems)
    return picks
