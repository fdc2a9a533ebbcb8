from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.query import select

from .pools import make_pool


def counts(values):
    return np.bincount(values).max(initial=0)


@given(
    burst=st.integers(2, 5),
    per_group=st.integers(1, 3),
    labelled=st.sets(st.integers(0, 59)),
    seed=st.integers(0, 2**32),
)
def test_no_burst_gives_more_than_its_share_while_others_have_some(
    burst, per_group, labelled, seed
):
    pool = make_pool(60, labelled=labelled, burst=burst)
    free = np.bincount(pool.groups[pool.unlabelled])
    room = int(np.minimum(free, per_group).sum())
    n = min(room, 25)
    picks = select("margin", pool, n, np.random.default_rng(seed), per_group=per_group)
    assert len(picks) == n
    assert counts(pool.groups[picks]) <= per_group


def test_bursts_nobody_labelled_come_first():
    pool = make_pool(60, labelled=range(0, 30, 3), burst=3)  # one frame of bursts 0 to 9
    picks = select("entropy", pool, 10, np.random.default_rng(0), per_group=1)
    assert set(pool.groups[picks].tolist()) == set(range(10, 20))
    picks = select("entropy", pool, 20, np.random.default_rng(0), per_group=1)
    assert sorted(pool.groups[picks].tolist()) == list(range(20))


def test_a_burst_with_fewer_labels_than_its_share_is_as_open_as_one_without():
    pool = make_pool(60, labelled=[*range(0, 30, 6), *range(1, 30, 6)], burst=6)
    pool = replace(pool, probs=np.where(np.arange(60)[:, None] < 30, pool.probs, np.eye(7)[0]))
    alike = select("margin", pool, 5, np.random.default_rng(0), per_group=3)
    assert (alike < 30).all()  # two of six have labels, three are allowed: as open as the sure ones
    apart = select("margin", pool, 5, np.random.default_rng(0), per_group=2)
    assert (apart >= 30).all()  # these five had their two


def test_a_batch_that_the_cap_cannot_fill_is_filled_all_the_same():
    pool = make_pool(12, burst=4)
    picks = select("margin", pool, 7, np.random.default_rng(0), per_group=1, per_location=1)
    assert len(set(picks.tolist())) == 7
    assert np.bincount(pool.groups[picks]).tolist() in ([3, 2, 2], [2, 3, 2], [2, 2, 3])


def test_locations_are_capped_while_others_have_items():
    pool = make_pool(300, burst=3)  # ten locations of ten bursts
    picks = select("margin", pool, 20, np.random.default_rng(0), per_location=2)
    assert counts(pool.locations[picks]) == 2
    picks = select("margin", pool, 50, np.random.default_rng(0), per_location=2)
    assert len(set(picks.tolist())) == 50  # 20 within the cap, and the best of the others
    assert counts(pool.locations[picks[:20]]) == 2


def test_near_duplicates_count_once_and_what_equals_a_labelled_item_comes_last():
    pool = make_pool(40, labelled=[0])
    pool.embeddings[1:11] = pool.embeddings[0]
    pool.embeddings[11:21] = pool.embeddings[11]
    picks = select("margin", pool, 20, np.random.default_rng(0), duplicates=0.999999)
    assert not set(picks.tolist()) & set(range(1, 11))
    assert len(set(picks.tolist()) & set(range(11, 21))) <= 1
    everything = select("margin", pool, 39, np.random.default_rng(0), duplicates=0.999999)
    assert len(set(everything.tolist())) == 39


def test_a_pool_without_bursts_is_not_limited_by_them():
    pool = make_pool(30)
    picks = select("margin", pool, 10, np.random.default_rng(0), per_group=1, per_location=1)
    assert picks.tolist() == select("margin", pool, 10, np.random.default_rng(0)).tolist()


def test_exact_copies_are_duplicates_at_a_cosine_of_one():
    pool = make_pool(200, dim=64)
    pool.embeddings[100:] = pool.embeddings[:100]  # some have a cosine of 1 - 6e-8 with themselves
    picks = select("random", pool, 100, np.random.default_rng(0), duplicates=1.0)
    assert set((picks % 100).tolist()) == set(range(100))


def test_copies_without_end_are_not_offered_batch_after_batch():
    pool = make_pool(3000)
    pool.embeddings[:2990] = pool.embeddings[0]
    asked = []

    def counting(part, n, rng):
        asked.append(n)
        return rng.permutation(part.unlabelled)[:n]

    picks = select(counting, pool, 12, np.random.default_rng(0), duplicates=0.9999)
    assert len(set(picks.tolist())) == 12
    assert set(range(2990, 3000)) <= set(picks.tolist())
    assert len(asked) <= 3


def test_items_of_an_unknown_burst_or_place_stand_for_themselves():
    pool = make_pool(60, burst=6)  # ten bursts, one location
    pool = replace(
        pool,
        groups=np.where(np.arange(60) < 30, pool.groups, -1),
        locations=np.where(np.arange(60) < 30, 0, -1),
    )
    picks = select("margin", pool, 35, np.random.default_rng(0), per_group=1)
    assert (picks >= 30).sum() == 30  # with one frame of each of the five bursts
    picks = select("margin", pool, 31, np.random.default_rng(0), per_location=1)
    assert (picks >= 30).sum() == 30


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"per_group": -1}, "per_group is -1"),
        ({"per_location": -2}, "per_location is -2"),
        ({"duplicates": 1.5}, "duplicates is 1.5"),
        ({"duplicates": np.nan}, "duplicates is nan; give a finite number"),
        ({"per_group": 1.5}, "per_group is 1.5; give a whole number"),
        ({"per_location": "2"}, "per_location is '2'; give a whole number"),
    ],
)
def test_impossible_limits_are_named(limits, expected):
    with pytest.raises(FieldmarkError, match=expected):
        select("random", make_pool(9, burst=3), 2, np.random.default_rng(0), **limits)
