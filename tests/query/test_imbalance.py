from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.query import Pool, select

from .pools import make_pool


def lines(pool):
    """Items of each class with a label, surest first, as the papers order them."""
    largest = pool.probs.max(axis=1)
    return {
        int(c): sorted(range(len(pool)), key=lambda i: (largest[i] - pool.probs[i, c], -largest[i]))
        for c in np.unique(pool.labels[pool.taught])
    }


def galaxy_next(line, sides):
    """GALAXY's next position, item by item: `sides` has a bool where a label is known."""
    stretches, cuts, last, run = [], [], None, []
    for position, item in enumerate(line):
        if item not in sides:
            run.append(position)
            continue
        if last is not None and sides[line[last]] != sides[item]:
            if run:
                stretches.append(run)
            else:
                cuts.append((last, position))
        last, run = position, []
    if stretches:
        run = min(stretches, key=len)
        return (run[0] + run[-1]) // 2
    found = []
    for left, right in cuts:
        free = [p for p in range(len(line)) if line[p] not in sides]
        found += [(left - p if p < left else p - right, p) for p in free]
    return min(found)[1]


def galaxy_by_definition(pool, n, seed):
    rng = np.random.default_rng(seed)
    classes = [int(c) for c in np.unique(pool.labels[pool.taught])]
    turns = rng.integers(len(classes), size=n).tolist()
    known = {int(i): int(pool.labels[i]) for i in pool.taught}
    picks, order = {}, lines(pool)
    for turn in dict.fromkeys(turns):
        c = classes[turn]
        for slot in [s for s, t in enumerate(turns) if t == turn]:
            line = order[c]
            position = galaxy_next(line, {i: known[i] == c for i in known})
            picks[slot] = line[position]
            known[line[position]] = int(pool.probs[line[position]].argmax())
    return [picks[slot] for slot in range(n)]


@given(
    labelled=st.sets(st.integers(0, 29), min_size=6, max_size=20),
    n=st.integers(1, 10),
    seed=st.integers(0, 999),
)
def test_galaxy_bisects_as_its_definition_says(labelled, n, seed):
    pool = make_pool(30, labelled=labelled, seed=seed)
    if len(np.unique(pool.labels[pool.taught])) < 2:
        return
    picks = select("galaxy", pool, n, np.random.default_rng(seed))
    assert picks.tolist() == galaxy_by_definition(pool, n, seed)


@given(
    labelled=st.sets(st.integers(0, 29), min_size=2, max_size=20),
    n=st.integers(1, 10),
    seed=st.integers(0, 999),
)
def test_direct_takes_what_lies_nearest_to_the_best_threshold(labelled, n, seed):
    pool = make_pool(30, labelled=labelled, classes=2, seed=seed)
    picks = select("direct", pool, n, np.random.default_rng(seed), explore=0.0).tolist()
    order, left = lines(pool), picks.copy()
    while left:  # the classes come in random order; each explains a run of the picks
        firsts = [nearest_to_threshold(pool, c, line, picks, left) for c, line in order.items()]
        assert left[0] in firsts
        left.pop(0)


def nearest_to_threshold(pool, c, line, picks, left):
    """DIRECT's next item of a class, walking left and right in turn from the best threshold."""
    votes = [(1 if pool.labels[i] == c else -1) if pool.labelled[i] else 0 for i in line]
    agree = [sum(votes[:h]) - sum(votes[h:]) for h in range(len(line) + 1)]
    best = agree.index(max(agree))
    for step in range(len(line)):
        for p in (best - 1 - step, best + step):
            free = 0 <= p < len(line) and not pool.labelled[line[p]]
            if free and (line[p] in left or line[p] not in picks):
                return line[p]
    return None


def test_direct_explores_between_the_last_sure_item_and_the_first_sure_not():
    line = np.linspace(1, 0, 101)  # the probability of class 0 falls along the pool
    labels = np.full(101, -1)
    labels[[5, 20, 60, 90]] = [0, 0, 1, 1]
    pool = Pool(
        embeddings=np.zeros((101, 1), dtype=np.float32),
        probs=np.stack([line, 1 - line], axis=1).astype(np.float32),
        labelled=labels >= 0,
        labels=labels,
    )
    picks = select("direct", pool, 39, np.random.default_rng(0), explore=1.0)
    assert set(picks.tolist()) <= set(range(21, 60))
    near = select("direct", pool, 10, np.random.default_rng(0), explore=0.0)
    # The fewest items that agree with most labels end after 20; from the other side after 60.
    assert set(near.tolist()) <= set(range(15, 27)) | set(range(54, 66))


def rare(seed):
    """1,000 items, a score that tells 1 % of them apart but for some noise, and 40 labels."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(1000) < 0.01).astype(np.int64)
    truth[:5] = 1
    p = 1 / (1 + np.exp(3 - 5 * truth - rng.normal(size=1000)))
    labelled = np.zeros(1000, dtype=bool)
    labelled[[0, *rng.choice(np.arange(5, 1000), 39, replace=False)]] = True
    pool = Pool(
        embeddings=np.zeros((1000, 1), dtype=np.float32),
        probs=np.stack([1 - p, p], axis=1).astype(np.float32),
        labelled=labelled,
        labels=np.where(labelled, truth, -1),
    )
    return pool, truth


@pytest.mark.parametrize("name", ["galaxy", "direct"])
def test_a_rare_class_is_found_many_times_more_often_than_at_random(name):
    found = {name: 0, "random": 0}
    for seed in range(20):
        pool, truth = rare(seed)
        for strategy in found:
            picks = select(strategy, pool, 20, np.random.default_rng(seed))
            found[strategy] += int(truth[picks].sum())
    assert found[name] > 4 * found["random"]


@pytest.mark.parametrize("name", ["galaxy", "direct"])
@pytest.mark.parametrize("labelled", [(), (3,), tuple(range(39))])
def test_few_labels_ties_and_an_almost_empty_pool(name, labelled):
    pool = make_pool(40, labelled=labelled)
    n = 40 - len(labelled)
    same = replace(pool, probs=np.full_like(pool.probs, 1 / pool.probs.shape[1]))
    for some in (pool, same):
        picks = select(name, some, n, np.random.default_rng(0))
        assert sorted(picks.tolist()) == pool.unlabelled.tolist()


def test_equal_probabilities_do_not_favour_the_front_of_the_pool():
    pool = make_pool(400, labelled=[1, 2, 3, 4, 5, 6])
    same = replace(pool, probs=np.full_like(pool.probs, 1 / pool.probs.shape[1]))
    for name in ("galaxy", "direct"):
        picks = select(name, same, 40, np.random.default_rng(0))
        assert 140 < picks.mean() < 260


def test_a_share_outside_0_to_1_is_named():
    with pytest.raises(FieldmarkError, match="explore is 2; it is a share"):
        select("direct", make_pool(5), 1, np.random.default_rng(0), explore=2)
