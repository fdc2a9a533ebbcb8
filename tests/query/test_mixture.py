import numpy as np
import pytest

from classification.errors import FieldmarkError
from classification.query import Bandit, select

from .pools import make_pool

rng_of = np.random.default_rng


def test_each_strategy_makes_its_share():
    pool = make_pool(100, labelled=range(10))
    picks = select("mixture_of_samplers", pool, 10, rng_of(0), weights={"margin": 3, "random": 1})
    margin = select("margin", pool, 8, rng_of(0)).tolist()
    assert picks[:8].tolist() == margin  # 7.5, and the half that is left
    assert len(set(picks.tolist())) == 10


def test_strategies_take_options_and_one_of_no_weight_is_not_asked():
    pool = make_pool(60)
    picks = select(
        "mixture_of_samplers",
        pool,
        6,
        rng_of(0),
        weights={"class_high": 1, "class_low": 0},
        options={"class_high": {"target": 2}},
    )
    assert picks.tolist() == np.argsort(-pool.probs[:, 2])[:6].tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"weights": {"margin": -1}}, "weight of 'margin' is -1"),
        ({"weights": {"margin": 0}}, "no strategy has a weight above 0"),
        ({"weights": {}}, "no strategy has a weight above 0"),
        ({"weights": {"margn": 1}}, "unknown strategy 'margn'"),
        ({"options": {"badge": {}}}, "options for 'badge', which is not among the weights"),
    ],
)
def test_impossible_mixtures_are_named(options, expected):
    with pytest.raises(FieldmarkError, match=expected):
        select("mixture_of_samplers", make_pool(9), 2, rng_of(0), **options)


def play(bandit, worth, rounds, seed=0):
    """Rounds of a bandit whose arms are worth so much; how often each was drawn."""
    rng, pool, drawn = rng_of(seed), make_pool(30), dict.fromkeys(worth, 0)
    for _ in range(rounds):
        select(bandit, pool, 2, rng)
        drawn[bandit.arm] += 1
        bandit.reward(worth[bandit.arm])
    return drawn


def test_the_bandit_learns_which_arm_pays_and_keeps_trying_the_others():
    bandit = Bandit({"margin": "margin", "entropy": "entropy", "chance": "random"}, gamma=0.2)
    worth = {"margin": 0.1, "entropy": 0.9, "chance": 0.2}
    drawn = play(bandit, worth, 400)
    assert drawn["entropy"] > 250
    assert min(drawn.values()) > 5
    assert min(bandit.odds.values()) >= 0.2 / 3


def test_odds_follow_exp3():
    bandit, weights, gamma = Bandit({"a": "random", "b": "margin"}, gamma=0.3), np.ones(2), 0.3
    for arm, value in [("a", 1.0), ("b", 0.25), ("a", 0.5), ("a", 0.0)]:
        odds = (1 - gamma) * weights / weights.sum() + gamma / 2
        assert list(bandit.odds.values()) == pytest.approx(odds)
        i = "ab".index(arm)
        weights[i] *= np.exp(gamma * value / odds[i] / 2)
        bandit.reward(value, arm=arm)


def test_a_bandit_goes_on_from_its_history():
    arms = {"margin": "margin", "chance": "random"}
    first = Bandit(arms)
    play(first, {"margin": 0.8, "chance": 0.3}, 20)
    second = Bandit(arms, history=first.history)
    assert second.odds == first.odds
    assert second.history == first.history


def test_one_arm_makes_the_whole_batch_also_under_limits():
    pool = make_pool(60, burst=3)
    seen = []

    def arm(name):
        def strategy(pool, n, rng):
            seen.append(name)
            return rng.permutation(pool.unlabelled)[:n]

        return strategy

    bandit = Bandit({name: arm(name) for name in "abcdef"})
    select(bandit, pool, 30, rng_of(0), per_group=1)  # first one of each burst, then a second
    assert len(seen) > 1
    assert set(seen) == {bandit.arm}


def test_many_good_rewards_do_not_overflow():
    bandit = Bandit({"a": "random", "b": "margin"}, gamma=0.01)
    for _ in range(200_000):
        bandit.reward(1.0, arm="a")
    assert bandit.odds["a"] == pytest.approx(0.995)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: Bandit({}), "no arms"),
        (lambda: Bandit({"a": "random"}, gamma=0), "gamma is 0"),
        (lambda: Bandit({"a": "random"}).reward(0.5), "no batch to reward"),
        (lambda: Bandit({"a": "random"}).reward(1.5, arm="a"), "reward is 1.5; give 0 to 1"),
        (lambda: Bandit({"a": "random"}).reward(0.5, arm="b"), "unknown arm 'b'; allowed: a"),
        (lambda: Bandit({"a": "random"}).reward(float("nan"), arm="a"), "reward is nan"),
    ],
)
def test_what_a_bandit_cannot_do_is_named(call, expected):
    with pytest.raises(FieldmarkError, match=expected):
        call()
