from dataclasses import replace

import numpy as np
import pytest

from classification.errors import FieldmarkError
from classification.query import Pool, select
from classification.query.scores import margin

from .pools import make_pool


def short_of_best(pool, picks):
    """How far each pick's gain is from the largest there was, every similarity at hand."""
    x = (pool.embeddings - pool.embeddings.mean(axis=0)) / pool.embeddings.std(axis=0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    similar = np.exp(-((x[:, None] - x[None]) ** 2).sum(axis=2))
    weights = np.ones(len(pool))
    if pool.probs is not None:
        counts = np.bincount(pool.labels[pool.labels >= 0], minlength=pool.probs.shape[1])
        weights = (1 + margin(pool.probs)) * (pool.probs @ (counts + 1.0) ** -0.5)
    weights[pool.labelled] = 0
    covered = similar[:, pool.labelled].max(axis=1, initial=0)
    short = []
    for pick in picks:
        gains = weights @ np.maximum(similar - covered[:, None], 0)
        short.append(gains.max() - gains[pick])
        covered = np.maximum(covered, similar[:, pick])
    return np.array(short)


def test_the_units_of_the_features_do_not_matter():
    pool = make_pool(60, labelled=(0, 5, 9), seed=3)
    picks = select("auto", pool, 12, np.random.default_rng(0))
    units = np.float32([1e-4, 1, 1e3, 0.03])
    other = replace(pool, embeddings=pool.embeddings * units + 7)
    assert select("auto", other, 12, np.random.default_rng(0)).tolist() == picks.tolist()


@pytest.mark.parametrize("labelled", [(), (0, 5, 9), range(20)])
@pytest.mark.parametrize("model", [False, True])
def test_it_is_the_greedy_cover_of_what_is_unsure_and_rare(labelled, model):
    pool = make_pool(60, labelled=labelled, seed=3)
    if not model:
        pool = replace(pool, probs=None)
    picks = select("auto", pool, 12, np.random.default_rng(0))
    assert short_of_best(pool, picks).max() < 1e-5
    assert short_of_best(pool, np.random.default_rng(0).permutation(picks)).max() > 1e-3


def clustered(sizes, probs=None, seed=0):
    """Tight clusters far apart; the first item of each of the first two is labelled."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(len(sizes)), sizes)
    centres = 10 * np.eye(len(sizes))
    labels = np.full(len(of), -1)
    for cluster in (0, 1):
        labels[np.flatnonzero(of == cluster)[0]] = cluster
    return of, Pool(
        embeddings=(centres[of] + 0.1 * rng.normal(size=(len(of), len(sizes)))).astype(np.float32),
        probs=None if probs is None else np.array(probs, dtype=np.float32)[of],
        labelled=labels >= 0,
        labels=labels,
    )


def test_with_few_labels_it_opens_up_what_no_label_is_near():
    of, pool = clustered([50, 50, 30, 20, 10])
    picks = select("auto", pool, 3, np.random.default_rng(0))
    assert of[picks].tolist() == [2, 3, 4]  # the largest first


def test_with_a_model_it_goes_where_the_model_is_unsure_though_fewer_items_lie_there():
    sure, unsure = [0.98, 0.02], [0.5, 0.5]
    of, pool = clustered([40, 40, 40, 10], [sure, sure, sure, unsure])
    assert of[select("auto", pool, 1, np.random.default_rng(0))].tolist() == [3]


def test_of_two_unsure_places_it_takes_the_one_that_may_hold_the_rarer_class():
    common, rare = [0.55, 0.45, 0.0], [0.0, 0.45, 0.55]
    of, pool = clustered([30, 30, 20, 20], [common, common, common, rare])
    pool.labels[1:12], pool.labelled[1:12] = 0, True
    assert of[select("auto", pool, 1, np.random.default_rng(0))].tolist() == [3]


def test_before_there_are_embeddings_it_spreads_over_bursts():
    pool = replace(make_pool(60, burst=3), embeddings=np.zeros((60, 0), np.float32), probs=None)
    picks = select("auto", pool, 20, np.random.default_rng(0))
    assert len(set(pool.groups[picks].tolist())) == 20


def test_one_frame_of_a_burst_unless_told_otherwise():
    pool = make_pool(90, burst=9)
    picks = select("auto", pool, 10, np.random.default_rng(0))
    assert len(set(pool.groups[picks].tolist())) == 10
    free = select("auto", pool, 10, np.random.default_rng(0), frames=0)
    assert len(set(pool.groups[free].tolist())) < 10


def test_a_sample_of_a_larger_pool_covers_nearly_as_well():
    pool = make_pool(3000, classes=12, dim=8, seed=1)
    x = (pool.embeddings - pool.embeddings.mean(axis=0)) / pool.embeddings.std(axis=0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    weights = 1 + margin(pool.probs)

    def covered(picks):
        near = np.exp(-(2 - 2 * x @ x[picks].T))
        return float(weights @ near.max(axis=1))

    exact = select("auto", pool, 40, np.random.default_rng(0), rarity=0.0)
    sampled = select("auto", pool, 40, np.random.default_rng(0), rarity=0.0, sample=600)
    assert covered(sampled) > 0.98 * covered(exact)
    assert covered(exact) > covered(select("random", pool, 40, np.random.default_rng(0)))


def test_a_rarity_that_makes_no_sense():
    with pytest.raises(FieldmarkError, match="rarity is -1"):
        select("auto", make_pool(10), 2, np.random.default_rng(0), rarity=-1.0)
