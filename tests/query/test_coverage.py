import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classification.query.coverage import lazy_greedy, representatives


class Sets:
    """Sets of points; a candidate gains the points nobody covers yet."""

    def __init__(self, sets):
        self.sets, self.covered, self.asked = sets, set(), 0

    def gain(self, candidate):
        self.asked += 1
        return len(self.sets[candidate] - self.covered)

    def gains(self):
        return np.array([len(s - self.covered) for s in self.sets], dtype=np.float32)

    def take(self, candidate):
        self.covered |= self.sets[candidate]


@given(sets=st.lists(st.sets(st.integers(0, 30), max_size=8), max_size=25), n=st.integers(1, 30))
def test_lazy_picks_are_the_greedy_ones(sets, n):
    covered, expected = set(), []
    for _ in range(n):
        gains = [len(s - covered) for s in sets]
        if not any(gains):
            break
        expected.append(int(np.argmax(gains)))
        covered |= sets[expected[-1]]
    assert lazy_greedy(Sets(sets), n) == expected


def test_few_candidates_are_looked_at_again():
    rng = np.random.default_rng(0)
    cover = Sets([set(rng.integers(5000, size=rng.integers(1, 200)).tolist()) for _ in range(2000)])
    assert len(lazy_greedy(cover, 50)) == 50
    assert cover.asked < 50 * 2000 / 10


@given(
    weights=st.lists(st.floats(0, 100, width=32), min_size=1, max_size=60),
    m=st.integers(1, 60),
    seed=st.integers(0, 2**32),
)
def test_representatives_are_distinct_and_have_weight(weights, m, seed):
    weights = np.array(weights, dtype=np.float32)
    rows, counts = representatives(weights, m, np.random.default_rng(seed))
    assert len(set(rows.tolist())) == len(rows) == min(m, (weights > 0).sum())
    assert (weights[rows] > 0).all()
    assert (counts >= weights[rows] * 0.999).all()


def test_sums_over_representatives_are_right_in_the_mean_and_heavy_items_always_come():
    rng = np.random.default_rng(0)
    weights = rng.gamma(0.3, size=400).astype(np.float32)
    value = rng.random(400)
    heaviest = set(np.argsort(-weights)[:5].tolist())
    sums = []
    for _ in range(300):
        rows, counts = representatives(weights, 60, rng)
        assert heaviest <= set(rows.tolist())
        sums.append(counts @ value[rows])
    assert abs(np.mean(sums) / (weights @ value) - 1) < 0.01


def test_all_items_stand_for_themselves_when_there_are_no_more():
    rows, counts = representatives(
        np.array([2, 0, 3], dtype=np.float32), 5, np.random.default_rng()
    )
    assert dict(zip(rows.tolist(), counts.tolist(), strict=True)) == {0: 2, 2: 3}
