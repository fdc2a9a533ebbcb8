from itertools import permutations

import numpy as np
import pytest
from scipy.stats import chisquare

from classification.errors import FieldmarkError
from classification.query import select

from .pools import make_pool


def published(pool, n, gamma):
    """Probability of every ordered batch, each step computed over all items in float64."""
    free = pool.unlabelled
    p = pool.probs[free].astype(np.float64)
    top = np.sort(p, axis=1)
    u = 1 - (top[:, -1] - top[:, -2])
    chances = {}
    for batch in permutations(range(len(free)), n):
        chance, r = 1.0, u.copy()
        for step, pick in enumerate(batch):
            weight = (u + r) ** gamma
            weight[list(batch[:step])] = 0
            chance *= weight[pick] / weight.sum()
            r = np.minimum(r, np.abs(p - p[pick]).sum(axis=1))
            r = (r - r.min()) / (r.max() - r.min())
        chances[tuple(free[list(batch)].tolist())] = chance
    return chances


@pytest.mark.parametrize("gamma", [0.0, 2.5, 10.0])
def test_batches_come_as_often_as_the_published_rule_says(gamma):
    pool = make_pool(7, labelled=[3])
    expected, draws = published(pool, 3, gamma), 4000
    assert sum(expected.values()) == pytest.approx(1)
    rng = np.random.default_rng(0)
    seen = dict.fromkeys(expected, 0)
    for _ in range(draws):
        seen[tuple(select("falcun", pool, 3, rng, gamma=gamma).tolist())] += 1
    often = [batch for batch in expected if draws * expected[batch] >= 5]
    counts = [seen[b] for b in often], [draws * expected[b] for b in often]
    rest = [draws - sum(column) for column in counts]
    if rest[1] > 5:
        counts = [[*column, other] for column, other in zip(counts, rest, strict=True)]
    counts = np.array(counts, dtype=float)
    assert chisquare(counts[0], counts[1] * counts[0].sum() / counts[1].sum()).pvalue > 1e-3


def test_copies_of_one_uncertain_prediction_do_not_fill_the_batch():
    pool = make_pool(300, classes=3)
    pool.probs[:200] = [0.5, 0.5, 0, 0, 0, 0, 0]
    pool.probs[200:] = 0.01
    pool.probs[np.arange(200, 300), np.arange(200, 300) % 7] = 0.94
    pool.probs[250] = [0, 0, 0, 0.25, 0.25, 0.25, 0.25]
    picks = select("falcun", pool, 2, np.random.default_rng(0), gamma=50)
    assert sorted(picks.tolist())[1] == 250


def test_certain_predictions_that_all_agree_are_drawn_uniformly():
    pool = make_pool(50)
    pool.probs[:] = np.eye(7)[2]
    batches = {tuple(select("falcun", pool, 3, np.random.default_rng(s))) for s in range(20)}
    assert len(batches) == 20


@pytest.mark.parametrize("gamma", [1e5, 1e9])
def test_a_high_gamma_takes_the_best_and_no_number_overflows(gamma):
    pool = make_pool(60)
    best = int(select("margin", pool, 1, np.random.default_rng(0))[0])
    firsts = {int(select("falcun", pool, 3, np.random.default_rng(s), gamma=gamma)[0])
              for s in range(10)}  # fmt: skip
    assert firsts == {best}


def test_uncertainty_counts_though_the_model_is_nearly_certain():
    pool = make_pool(50)
    pool.probs[:] = np.eye(7)[2]
    pool.probs[13, 2:4] = 1 - 1e-5, 1e-5  # to the power 10 it is below the smallest float32
    assert select("falcun", pool, 1, np.random.default_rng(0)).tolist() == [13]


def test_gamma_must_make_sense():
    with pytest.raises(FieldmarkError, match="gamma is -1"):
        select("falcun", make_pool(5), 1, np.random.default_rng(0), gamma=-1)
