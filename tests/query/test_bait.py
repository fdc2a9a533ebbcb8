from dataclasses import replace

import numpy as np
import pytest

from classification.errors import FieldmarkError
from classification.query import select

from .pools import make_pool


def gradients(pool, form):
    """V_i of every item, float64 [N, K, P D], written out."""
    out = []
    for h, p in zip(pool.embeddings.astype(float), pool.probs.astype(float), strict=True):
        if form == "binary":
            q = np.array([p.max(), 1 - p.max()])
            rows = [np.sqrt(q[0]) * (1 - q[0]) * h, -np.sqrt(q[1]) * q[0] * h]
        else:
            rows = [np.sqrt(p[k]) * np.kron(np.eye(len(p))[k] - p, h) for k in range(len(p))]
        out.append(np.array(rows))
    return np.array(out)


def by_definition(pool, n, form, ridge):
    """Forward to 2n and backward to n, each candidate tried with a full inverse."""
    v = gradients(pool, form)
    information = np.einsum("nki,nkj->nij", v, v)
    fisher = information.mean(axis=0)
    known = len(pool.taught)
    m = ridge * np.eye(len(fisher)) + information[pool.taught].sum(axis=0) / (known + n)
    information = information * n / (known + n)

    def cost(matrix):
        return np.trace(np.linalg.inv(matrix) @ fisher)

    chosen, free = [], pool.unlabelled.tolist()
    for _ in range(min(2 * n, len(free))):
        i = min((i for i in free if i not in chosen), key=lambda i: cost(m + information[i]))
        chosen.append(i)
        m = m + information[i]
    while len(chosen) > n:
        i = min(chosen, key=lambda i: cost(m - information[i]))
        chosen.remove(i)
        m = m - information[i]
    return chosen


@pytest.mark.parametrize("form", ["full", "binary"])
@pytest.mark.parametrize("labelled", [(), (0, 3, 5, 9)])
@pytest.mark.parametrize("n", [1, 4, 12])
def test_the_picks_are_those_of_the_definition(form, labelled, n):
    pool = make_pool(30, labelled=labelled, classes=1, dim=3, seed=n)
    expected = by_definition(pool, n, form, 0.1)
    picks = select("bait", pool, n, np.random.default_rng(0), form=form, ridge=0.1)
    assert picks.tolist() == expected


def test_decided_items_without_a_class_inform_nobody():
    pool = make_pool(40, labelled=[0, 1, 2], dim=3)
    unsure = replace(pool, labels=np.full(40, -1))
    rng = np.random.default_rng
    picks = select("bait", unsure, 5, rng(0), form="binary", ridge=0.1)
    none = replace(unsure, labelled=np.zeros(40, dtype=bool))
    assert not {0, 1, 2} & set(picks.tolist())
    everything = select("bait", none, 40, rng(0), form="binary", ridge=0.1)
    assert sorted(everything.tolist()) == list(range(40))


def test_few_candidates_choose_nearly_as_well():
    pool = make_pool(600, labelled=range(10), dim=8)
    v = gradients(pool, "binary")
    information = np.einsum("nki,nkj->nij", v, v)

    def cost(picks):
        taken = np.concatenate([pool.taught, picks])
        return np.trace(
            np.linalg.inv(np.eye(8) / 10 + information[taken].mean(axis=0)) @ information.mean(0)
        )

    rng = np.random.default_rng(0)
    options = {"form": "binary", "ridge": 0.1}
    full = cost(select("bait", pool, 10, rng, **options))
    few = cost(select("bait", pool, 10, rng, candidates=200, **options))
    chance = np.mean([cost(select("random", pool, 10, rng)) for _ in range(20)])
    assert few - full < 0.3 * (chance - full)


def test_certain_duplicate_and_zero_items_do_no_harm():
    pool = make_pool(50, labelled=[1], dim=4)
    pool.embeddings[:20] = 0
    pool.embeddings[20:40] = 1e4
    certain = np.zeros_like(pool.probs)
    certain[:, 0] = 1
    for probs in (pool.probs, certain):
        picks = select("bait", replace(pool, probs=probs), 30, np.random.default_rng(0))
        assert len(set(picks.tolist())) == 30
    firsts = {
        int(select("bait", replace(pool, probs=certain), 1, np.random.default_rng(s))[0])
        for s in range(10)
    }
    assert len(firsts) > 4  # nothing to gain anywhere: any item, not the first in the pool


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"form": "diagonal"}, "form is 'diagonal'; allowed: auto, full, binary"),
        ({"ridge": 0.0}, "give a ridge above 0"),
        ({"candidates": 0}, "1 or more candidates"),
    ],
)
def test_impossible_options_are_named(options, expected):
    with pytest.raises(FieldmarkError, match=expected):
        select("bait", make_pool(5), 1, np.random.default_rng(0), **options)
