import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.query import STRATEGIES, Pool, select


def make_pool(n, *, labelled=(), classes=3, seed=0):
    rng = np.random.default_rng(seed)
    mask = np.zeros(n, dtype=bool)
    mask[list(labelled)] = True
    return Pool(
        embeddings=rng.normal(size=(n, 4)).astype(np.float32),
        probs=rng.dirichlet(np.ones(classes), size=n).astype(np.float32),
        labelled=mask,
        labels=np.where(mask, 7, -1).astype(np.int64),  # ids need not start at 0
    )


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
    picks = select(name, pool, ask, np.random.default_rng(seed))
    assert len(picks) == min(ask, n - len(labelled))
    assert len(set(picks.tolist())) == len(picks)
    assert not labelled & set(picks.tolist())
    again = select(name, pool, ask, np.random.default_rng(seed))
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


def faulty(**changes):
    fields = vars(make_pool(8)) | changes
    return Pool(**fields)


@pytest.mark.parametrize(
    ("pool", "name", "n", "expected"),
    [
        (make_pool(3), "best", 1, "unknown strategy 'best'; allowed: random, margin"),
        (make_pool(3), "random", -1, "ask for 0 or more"),
        (faulty(probs=None), "margin", 1, "needs class probabilities"),
        (faulty(embeddings=np.full((8, 2), np.nan)), "random", 1, "embeddings: 8 rows hold NaN"),
        (faulty(probs=np.full((8, 2), 0.6)), "random", 1, "do not sum to one: 0, 1, 2, 3, 4, ..."),
        (faulty(probs=np.full((7, 2), 0.5)), "random", 1, "probs has 7 rows, labelled has 8"),
    ],
)
def test_bad_input_is_named(pool, name, n, expected):
    with pytest.raises(FieldmarkError, match=expected.replace("...", r"\.\.\.")):
        select(name, pool, n, np.random.default_rng(0))
