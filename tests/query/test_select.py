import inspect
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.query import STRATEGIES, BaseSampler, Pool, select
from classification.query.names import ALIASES, NEEDS_OPTIONS

from .pools import OPTIONS, make_pool


def with_probs(rows):
    probs = np.array(rows, dtype=np.float32)
    return Pool(
        embeddings=np.zeros((len(probs), 2), dtype=np.float32),
        probs=probs,
        labelled=np.zeros(len(probs), dtype=bool),
        labels=np.full(len(probs), -1, dtype=np.int64),
    )


@pytest.mark.parametrize("name", STRATEGIES)
@given(
    n=st.integers(1, 40),
    ask=st.integers(0, 60),
    labelled=st.sets(st.integers(0, 39)),
    seed=st.integers(0, 2**32),
)
def test_picks_are_unique_unlabelled_as_many_as_asked_and_repeatable(name, n, ask, labelled, seed):
    labelled = {i for i in labelled if i < n}
    pool = make_pool(n, labelled=labelled)
    options = OPTIONS.get(name, {})
    picks = select(name, pool, ask, np.random.default_rng(seed), **options)
    assert len(picks) == min(ask, n - len(labelled))
    assert len(set(picks.tolist())) == len(picks)
    assert not labelled & set(picks.tolist())
    again = select(name, pool, ask, np.random.default_rng(seed), **options)
    assert picks.tolist() == again.tolist()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Four items on which the three scores disagree in their first choice.
        ("margin", [1, 2, 0, 3]),
        ("least_confident", [2, 0, 1, 3]),
        ("entropy", [0, 2, 1, 3]),
    ],
)
def test_each_score_ranks_as_its_definition_says(name, expected):
    probs = [
        [0.44, 0.20, 0.18, 0.18],  # spread wide: most entropy
        [0.499, 0.491, 0.005, 0.005],  # two neck and neck: least margin
        [0.42, 0.38, 0.19, 0.01],  # lowest top probability
        [0.97, 0.01, 0.01, 0.01],
    ]
    picks = select(name, with_probs(probs), 4, np.random.default_rng(0))
    assert picks.tolist() == expected


def test_ties_are_broken_by_the_generator_not_by_position():
    pool = with_probs([[0.5, 0.5]] * 50)
    firsts = {int(select("margin", pool, 1, np.random.default_rng(s))[0]) for s in range(30)}
    assert len(firsts) > 10


def test_certain_items_have_no_entropy_rather_than_nan():
    picks = select("entropy", with_probs([[1, 0], [0.6, 0.4]]), 2, np.random.default_rng(0))
    assert picks.tolist() == [1, 0]


def test_random_is_uniform():
    pool = make_pool(10, labelled=[0])
    counts = np.zeros(10)
    rng = np.random.default_rng(0)
    for _ in range(3000):
        counts[select("random", pool, 3, rng)] += 1
    assert counts[0] == 0
    assert np.abs(counts[1:] - 1000).max() < 120  # over four standard deviations


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"strategy": "best"}, "unknown strategy 'best'; allowed: auto, random, margin"),
        ({"strategy": None}, "None is no strategy; give a name, a function"),
        ({"strategy": BaseSampler}, "BaseSampler'> is no strategy"),
        ({"n": -1}, "n is -1; give 0 or more"),
        ({"n": 2.5}, "n is 2.5; give a whole number"),
        ({"n": True}, "n is True; give a whole number"),
        ({"n": "5"}, "n is '5'; give a whole number"),
        ({"rng": 3}, r"rng is 3; give a numpy Generator, as np.random.default_rng\(0\)"),
        ({"rng": np.random.RandomState(0)}, "give a numpy Generator"),
        ({"passive": np.nan}, "passive is nan; give a finite number"),
        ({"passive": 2.0}, "passive is 2.0; give 0 to 1"),
    ],
)
def test_an_impossible_request_is_named(changes, expected):
    request = {"strategy": "random", "n": 1, "rng": np.random.default_rng(0)} | changes
    with pytest.raises(FieldmarkError, match=expected):
        select(request.pop("strategy"), make_pool(3), request.pop("n"), **request)


def test_numbers_of_numpy_serve_as_those_of_python():
    pool, rng = make_pool(20, burst=2), np.random.default_rng(0)
    picks = select("random", pool, np.int32(4), rng, per_group=np.int64(1), passive=np.float32(0.5))
    assert len(picks) == 4
    assert len(select("kcenter", pool, 0, rng)) == 0


def test_a_strategy_without_the_model_it_needs_says_so():
    pool = replace(make_pool(8), probs=None)
    with pytest.raises(FieldmarkError, match="needs class probabilities and the pool has none"):
        select("margin", pool, 1, np.random.default_rng(0))
    # What the members of a committee say is all that is asked of it.
    assert len(select("bald", pool, 3, np.random.default_rng(0))) == 3
    mixed = {"weights": {"kcenter": 1, "random": 1}}
    assert len(select("mixture_of_samplers", pool, 4, np.random.default_rng(0), **mixed)) == 4


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("maxherding", {"sigma": "wide"}, "sigma is 'wide'; give a finite number"),
        ("maxherding", {"sigma": np.nan}, "sigma is nan; give a finite number"),
        ("uherding", {"temperature": np.inf}, "temperature is inf; give a finite number"),
        ("falcun", {"gamma": None}, "gamma is None; give a finite number"),
        ("probcover", {"sample": 1e4}, "sample is 10000.0; give a whole number"),
        ("cluster_centres", {"weighted": "no"}, "weighted is 'no'; give True or False"),
        ("kcenter", {"metric": 2}, "metric is 2; give a name"),
        ("class_high", {"target": True}, "target is True; give a whole number"),
        ("mixed", {"diversity_mix": "half"}, "diversity_mix is 'half'; give a finite number"),
        ("mixed", {"score_options": [1]}, r"score_options is \[1\]; give values by name"),
        ("mixture_of_samplers", {"weights": ["margin"]}, "give values by name"),
        ("mixture_of_samplers", {"weights": {"margin": "all"}}, "weight of 'margin' is 'all'"),
        ("class_high", {}, "target is missing and has no default"),
        ("bald", {"power": -1.0}, "power is -1.0; give 0"),
        ("bald", {"members": 1, "source": "dice"}, "members is 1(.|\n)*source is 'dice'"),
        ("typiclust", {"neighbours": 0}, "neighbours is 0, clusters 500 and smallest 6; give 1"),
        ("typiclust", {"clusters": -3}, "clusters -3"),
    ],
)
def test_options_of_another_type_or_out_of_range_are_named(name, options, expected):
    with pytest.raises(FieldmarkError, match=expected):
        select(name, make_pool(9), 2, np.random.default_rng(0), **options)


def test_an_unknown_option_is_refused_with_those_there_are():
    with pytest.raises(
        FieldmarkError, match=r"'class_high' has no option 'tarjet'; allowed: target"
    ):
        select("class_high", make_pool(5), 1, np.random.default_rng(0), tarjet=1)


def test_strategies_with_an_option_that_must_be_given_are_listed():
    def needs(strategy):
        parameters = inspect.signature(strategy).parameters.values()
        return any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters)

    assert {name for name, strategy in STRATEGIES.items() if needs(strategy)} == NEEDS_OPTIONS


def test_other_names_of_a_strategy_choose_the_same():
    pool = make_pool(30)
    for other, name in ALIASES.items():
        picks = [select(n, pool, 5, np.random.default_rng(1)).tolist() for n in (other, name)]
        assert picks[0] == picks[1]


class Last(BaseSampler):
    def __init__(self, offset=0):
        self.offset = offset

    def sample(self, pool, n, rng):
        return pool.unlabelled[::-1][self.offset : self.offset + n]


def test_a_custom_function_with_options_and_a_subclass_serve_as_strategies():
    def first(pool, n, rng, *, step=1):
        return pool.unlabelled[::step][:n]

    pool, rng = make_pool(10, labelled=[0]), np.random.default_rng(0)
    assert select(first, pool, 3, rng, step=2).tolist() == [1, 3, 5]
    assert select(Last(1), pool, 2, rng).tolist() == [8, 7]
    with pytest.raises(FieldmarkError, match="no option 'stop'; allowed: step"):
        select(first, pool, 3, rng, stop=2)


def test_limits_ask_in_parts_and_each_answer_is_held_to_what_was_asked():
    def too_few(pool, n, rng):
        return pool.unlabelled[: n - 1]

    pool = make_pool(30, burst=3)
    with pytest.raises(FieldmarkError, match=r"'too_few' returned\n.*5 positions where 6"):
        select(too_few, pool, 6, np.random.default_rng(0), per_group=1)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ([0, 1, 1], "some position twice"),
        ([1, 2], "2 positions where 3 were asked for"),
        ([4, 5, 6], r"labelled positions: \[4\]"),
        ([7, 8, 12], "must return positions 0 to 9"),
        ([0.5, 1, 2], "must return positions"),
    ],
)
def test_a_custom_strategy_is_held_to_the_contract(returned, expected):
    pool = make_pool(10, labelled=[4])
    with pytest.raises(FieldmarkError, match=expected):
        select(lambda pool, n, rng: np.array(returned), pool, 3, np.random.default_rng(0))


def test_a_passive_share_is_random_and_the_rest_is_not():
    pool = make_pool(200)
    picks = select("margin", pool, 40, np.random.default_rng(0), passive=0.25)
    assert len(set(picks.tolist())) == 40
    pure = select("margin", pool, 30, np.random.default_rng(0)).tolist()
    assert len(set(pure) & set(picks.tolist())) >= 24  # but for those drawn at random
