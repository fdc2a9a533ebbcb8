from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import chisquare

from classification.errors import FieldmarkError
from classification.query import greedy, select

from .pools import make_pool


def gradients(pool):
    """The gradient embeddings in full: [N, C x D]."""
    probs = pool.probs.astype(np.float64)
    a = probs - np.eye(probs.shape[1])[probs.argmax(axis=1)]
    return (a[:, :, None] * pool.embeddings[:, None, :]).reshape(len(a), -1)


def published(pool, n, weights):
    """Probability of every ordered batch: the largest gradient, then by squared distance."""
    g = gradients(pool)
    free = pool.unlabelled.tolist()
    squared = ((g[:, None] - g[None]) ** 2).sum(axis=2)
    first = max(free, key=lambda i: weights[i] ** 2 * (g[i] ** 2).sum())
    chances = {}
    for rest in permutations([i for i in free if i != first], n - 1):
        chance, batch = 1.0, [first]
        for pick in rest:
            mass = {i: weights[i] ** 2 * squared[i, batch].min() for i in free if i not in batch}
            chance *= mass[pick] / sum(mass.values())
            batch.append(pick)
        chances[tuple(batch)] = chance
    return chances


@pytest.mark.parametrize("window", [1, 3, 1024])
@pytest.mark.parametrize("weighted", [False, True])
def test_batches_come_as_often_as_the_published_rule_says(monkeypatch, window, weighted):
    monkeypatch.setattr(greedy, "_WINDOW", window)
    pool = make_pool(9, labelled=[2, 5], dim=3)
    weights = np.linspace(0.5, 1, 9) if weighted else np.ones(9)
    options = {"weights": weights} if weighted else {}
    expected, draws = published(pool, 4, weights), 4000
    rng = np.random.default_rng(1)
    seen = dict.fromkeys(expected, 0)
    for _ in range(draws):
        seen[tuple(select("badge", pool, 4, rng, **options).tolist())] += 1
    order = sorted(expected, key=lambda batch: expected[batch])
    counts = grouped([seen[b] for b in order], [draws * expected[b] for b in order])
    assert chisquare(*counts).pvalue > 1e-3


def grouped(seen, expected):
    """Rare outcomes put together until each group is expected at least ten times."""
    groups = [[0.0, 0.0]]
    for s, e in zip(seen, expected, strict=True):
        if groups[-1][1] >= 10:
            groups.append([0.0, 0.0])
        groups[-1][0] += s
        groups[-1][1] += e
    return np.array(groups).T


def test_distances_of_gradients_never_built_are_right():
    from classification.query.badge import Gradients

    pool = make_pool(5000, dim=5)
    centres = np.arange(0, 5000, 17)
    nearest = np.full(5000, np.inf, dtype=np.float32)
    Gradients(pool.probs, pool.embeddings).lower(nearest, centres)
    g = gradients(pool)
    expected = np.min([((g - g[c]) ** 2).sum(axis=1) for c in centres], axis=0)
    np.testing.assert_allclose(nearest, expected, rtol=1e-3, atol=1e-4)


def test_a_batch_of_a_large_pool_is_spread_and_uncertain():
    pool = make_pool(3000, dim=6, labelled=range(50))
    picks = select("badge", pool, 200, np.random.default_rng(0))
    assert len(set(picks.tolist())) == 200
    size = (gradients(pool) ** 2).sum(axis=1)
    assert picks[0] == pool.unlabelled[size[pool.unlabelled].argmax()]
    assert size[picks].mean() > 1.1 * size.mean()


def test_of_certain_predictions_one_speaks_for_all_and_the_others_come_last_at_random():
    pool = make_pool(30)
    pool.probs[10:] = np.eye(7)[1]
    batches = [select("badge", pool, 15, np.random.default_rng(seed)).tolist() for seed in range(5)]
    assert all(set(range(10)) <= set(picks[:11]) for picks in batches)
    assert len({tuple(picks[11:]) for picks in batches}) == 5


def test_it_needs_a_model():
    pool = replace(make_pool(10), probs=None)
    with pytest.raises(FieldmarkError, match="needs class probabilities"):
        select("badge", pool, 2, np.random.default_rng(0))
