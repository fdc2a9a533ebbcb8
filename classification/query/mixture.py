"""Several strategies in one batch, and a bandit that learns which one pays.

After the mixture and the EXP3 samplers of google/active-learning (2019).

    select("mixture_of_samplers", pool, 100, rng, weights={"badge": 0.7, "random": 0.3})
    bandit = Bandit({"margin": "margin", "random": "random"})
    picks = select(bandit, pool, 100, rng)   # label them, train, measure, and then
    bandit.reward(0.61)
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError, wrong_value
from classification.query.pool import Pool
from classification.query.ranking import shares
from classification.query.strategy import BaseSampler, Strategy

_HALVES: Mapping[str, float] = MappingProxyType({"margin": 0.5, "random": 0.5})
_NONE: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def mixture_of_samplers(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    weights: Mapping[str, float] = _HALVES,
    options: Mapping[str, Mapping[str, Any]] = _NONE,
) -> NDArray[np.intp]:
    """Each strategy makes its share of the batch; what one picked is labelled for the next.

    Cost and memory are those of the strategies.

    Args:
        pool, n, rng: as of every strategy.
        weights: strategies by name, in the order they choose, and their shares of the batch; any
            numbers of 0 or more that are not all 0.
        options: of the strategies, by their names.
    """
    from classification.query.select import select  # which has this module in its registry

    _check_weights(weights, options)
    labelled, picks = pool.labelled.copy(), [np.zeros(0, dtype=np.intp)]
    for name, share in zip(weights, shares(n, list(weights.values())), strict=True):
        if share:
            rest = replace(pool, labelled=labelled)
            picks.append(select(name, rest, share, rng, **options.get(name, {})))
            labelled = labelled.copy()
            labelled[picks[-1]] = True
    return np.concatenate(picks)


class Bandit(BaseSampler):
    """One strategy a batch, drawn by what earlier batches of each were worth (EXP3).

    Auer et al. 2002, "The nonstochastic multiarmed bandit problem", as google/active-learning and
    Hsu and Lin 2015, "Active Learning by Learning", use it. Between two calls of `reward` the same
    strategy is asked, so that the parts of a batch (`select` with limits) are of one kind.

    Attributes:
        history: arm and reward of every batch so far. A bandit made anew with it goes on from it.
        arm: what makes the batch that waits for its reward; None where there is none.
    """

    def __init__(
        self,
        arms: Mapping[str, str | Strategy],
        *,
        gamma: float = 0.5,
        history: Iterable[tuple[str, float]] = (),
    ) -> None:
        """A bandit that knows `history`.

        Args:
            arms: what to choose from: names for strategies, which are names of the registry,
                functions of the same form or `BaseSampler` objects.
            gamma: share (0..1) of even odds in the odds; lower trusts rewards sooner.
            history: as of another bandit with these arms and this gamma.
        """
        problems = [] if arms else ["no arms; give one strategy or more"]
        if not 0 < gamma <= 1:
            problems.append(f"gamma is {gamma}; give more than 0 and at most 1")
        if problems:
            raise FieldmarkError.from_problems("no bandit can be made of these:", problems)
        self.arms, self.gamma = dict(arms), gamma
        self.history: list[tuple[str, float]] = []
        self.arm: str | None = None
        self._gains = dict.fromkeys(self.arms, 0.0)  # logarithms: weights themselves overflow
        for arm, value in history:
            self.reward(value, arm=arm)

    @property
    def odds(self) -> dict[str, float]:
        """Probability of each arm to make the next batch."""
        gains = np.array(list(self._gains.values()))
        weights = np.exp(gains - gains.max())
        even = self.gamma / len(gains)
        odds = (1 - self.gamma) * weights / weights.sum() + even
        return dict(zip(self.arms, odds.tolist(), strict=True))

    def sample(self, pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """The picks of the arm that was drawn for this batch."""
        from classification.query.select import select  # which has this module in its registry

        if self.arm is None:
            odds = self.odds
            self.arm = list(odds)[int(rng.choice(len(odds), p=list(odds.values())))]
        return select(self.arms[self.arm], pool, n, rng)

    def reward(self, value: float, *, arm: str | None = None) -> None:
        """Say what the batch was worth, as soon as that is measured.

        Args:
            value: 0 (nothing) to 1, for example the macro-F1 of the model trained on it.
            arm: which strategy made it, where that was another process; None: the last one drawn.

        Raises:
            FieldmarkError: a value outside 0 to 1, an unknown arm, or no batch to reward.
        """
        arm = self.arm if arm is None else arm
        if arm is None:
            raise FieldmarkError("there is no batch to reward: choose one first, or name its arm")
        if arm not in self.arms:
            raise FieldmarkError(f"unknown arm {arm!r}; allowed: {', '.join(self.arms)}")
        if not 0 <= value <= 1:
            raise FieldmarkError(f"reward is {value}; give 0 to 1")
        self._gains[arm] += self.gamma * value / self.odds[arm] / len(self.arms)
        self.history.append((arm, float(value)))
        self.arm = None


def _check_weights(weights: Mapping[str, float], options: Mapping[str, Any]) -> None:
    problems = [
        problem
        for name, weight in weights.items()
        if (problem := wrong_value(f"weight of {name!r}", weight, float, least=0))
    ]
    if not problems and not sum(weights.values()) > 0:
        problems.append("no strategy has a weight above 0")
    if strangers := options.keys() - weights.keys():
        names = ", ".join(map(repr, sorted(strangers)))
        problems.append(f"options for {names}, which is not among the weights")
    if problems:
        raise FieldmarkError.from_problems("these strategies cannot be mixed:", problems)
