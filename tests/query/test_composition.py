from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.query import ActiveLearningSampler, select
from classification.query.composition import SCORES

from .pools import OPTIONS, make_pool


def rng():
    return np.random.default_rng(0)


@given(
    n=st.integers(1, 40),
    mix=st.floats(0, 1),
    passive=st.floats(0, 1),
    score=st.sampled_from(list(SCORES)),
    diversity=st.sampled_from(["kcenter", "badge", "cdal", "falcun", "random"]),
)
def test_every_score_goes_with_every_diversity(n, mix, passive, score, diversity):
    pool = make_pool(40, labelled=range(8))
    picks = select(
        "mixed",
        pool,
        n,
        rng(),
        score=score,
        diversity=diversity,
        diversity_mix=mix,
        passive_learning=passive,
        score_options=OPTIONS.get(score, {}),
    )
    assert len(set(picks.tolist())) == min(n, 32)
    assert picks.min() >= 8


def test_shares_of_0_and_1_are_the_parts_alone():
    pool = make_pool(200, labelled=range(5))
    for mix, alone in ((0, "entropy"), (1, "kcenter")):
        picks = select("mixed", pool, 30, rng(), score="entropy", diversity_mix=mix)
        assert picks.tolist() == select(alone, pool, 30, rng()).tolist()
    passive = select("mixed", pool, 30, rng(), passive_learning=1)
    assert passive.tolist() == select("random", pool, 30, rng()).tolist()


def test_the_batch_is_random_picks_then_top_scores_then_items_far_from_both():
    pool = make_pool(300, labelled=range(5))
    picks = select("mixed", pool, 40, rng(), passive_learning=0.25, diversity_mix=0.2)
    drawn, top, diverse = np.split(picks, [10, 34])
    seen = pool.labelled.copy()
    seen[drawn] = True
    part = replace(pool, labelled=seen)
    assert top.tolist() == select("margin", part, 24, rng()).tolist()
    seen[top] = True
    assert diverse.tolist() == select("kcenter", part, 6, rng()).tolist()


def test_weighting_by_score_keeps_the_diverse_picks_among_high_scores():
    pool = make_pool(400, labelled=range(5))
    entropy = SCORES["entropy"](pool, rng())
    means = [
        entropy[select("mixed", pool, 50, rng(), score="entropy", diversity_mix=1, **o)].mean()
        for o in ({}, {"weighted_by_score": True})
    ]
    assert means[1] > means[0] + 0.1
    low = entropy[pool.unlabelled].min()
    spread = entropy[pool.unlabelled].max() - low
    weights = np.clip((entropy - low) / spread, 0, 1)
    picks = select(
        "mixed", pool, 50, rng(), score="entropy", diversity_mix=1, weighted_by_score=True
    )
    assert picks.tolist() == select("kcenter", pool, 50, rng(), weights=weights).tolist()


def test_the_distance_metric_reaches_the_diversity():
    pool = make_pool(200, labelled=range(5))
    picks = select("mixed", pool, 20, rng(), diversity_mix=1, distance_metric="cosine")
    assert picks.tolist() == select("kcenter", pool, 20, rng(), metric="cosine").tolist()


def test_functions_of_ones_own_with_options_in_either_place():
    def by_position(pool, *, sign=1):
        return sign * np.arange(len(pool), dtype=float)

    def last(pool, n, rng, *, skip=0):
        return pool.unlabelled[::-1][skip : skip + n]

    pool = replace(make_pool(20, labelled=[0]), probs=None)  # nothing here reads probabilities
    sampler = ActiveLearningSampler(
        score=by_position,
        diversity=last,
        score_options={"sign": -1},
        diversity_options={"skip": 2},
    )
    assert select(sampler, pool, 6, rng()).tolist() == [1, 2, 3, 17, 16, 15]


def test_a_score_need_not_know_what_to_say_of_labelled_items():
    pool = make_pool(50, labelled=range(10))

    def score(pool):
        return np.where(pool.labelled, np.nan, np.arange(len(pool)))

    for weighted in (False, True):
        sampler = ActiveLearningSampler(score=score, weighted_by_score=weighted)
        assert len(set(select(sampler, pool, 20, rng()).tolist())) == 20


def test_it_works_within_limits_on_bursts():
    pool = make_pool(90, burst=3)
    picks = select("mixed", pool, 20, rng(), per_group=1, weighted_by_score=True)
    assert np.bincount(pool.groups[picks]).max() == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"score": "margn"}, "unknown score 'margn'; allowed: margin, entropy"),
        ({"score": 3}, "unknown score 3; allowed: margin, entropy"),
        ({"diversity": None}, "None is no strategy"),
        ({"diversity": "kcentre"}, "unknown strategy 'kcentre'"),
        ({"diversity_mix": 1.5}, "diversity_mix is 1.5"),
        ({"passive_learning": -0.1}, "passive_learning is -0.1"),
        ({"passive": 0.5, "mix": 1}, "'mixed' has no option 'mix'; allowed: score, diversity"),
        ({"score_options": {"tarjet": 1}}, "score 'margin' has no option 'tarjet'; allowed: none"),
        ({"score": "class_high"}, "target is missing and has no default"),
        ({"score": "class_high", "score_options": {"target": 9}}, "target is 9; give the class id"),
        ({"diversity_options": {"metrik": 1}}, "'kcenter' has no option 'metrik'; allowed: metric"),
        (
            {"diversity": "falcun", "weighted_by_score": True},
            "'falcun' has no option 'weights'; allowed: gamma",
        ),
        ({"score": lambda pool: np.ones(3)}, r"has shape \(3,\); it must be \(9,\)"),
        ({"score": lambda pool: np.full(9, np.nan)}, r"NaN or infinite for 9 items: \[0, 1"),
        ({"diversity": lambda pool, n, rng: [0] * n}, "some position twice"),
    ],
)
def test_what_cannot_be_composed_is_named(options, expected):
    with pytest.raises(FieldmarkError, match=expected):
        select("mixed", make_pool(9), 4, rng(), **options)
