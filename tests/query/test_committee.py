from dataclasses import replace

import numpy as np
import pytest

from classification.errors import FieldmarkError
from classification.query import scores, select
from classification.query.committee import committee

from .pools import make_pool


def alone(n=200, *, labelled=tuple(range(0, 60, 3)), **options):
    """A pool without a committee of its own."""
    return replace(make_pool(n, labelled=labelled, **options), committee=None)


def kl_to_mean(members):
    """McCallum and Nigam 1998: mean Kullback-Leibler divergence of the members to their mean."""
    mean = members.mean(axis=0)
    out = np.zeros(members.shape[1])
    for member in members:
        for i, (p, q) in enumerate(zip(member, mean, strict=True)):
            out[i] += sum(a * np.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)
    return out / len(members)


@pytest.mark.parametrize("name", ["disagreement", "bald"])
def test_disagreement_is_the_mean_divergence_from_the_consensus(name):
    pool = make_pool(50, labelled=range(10))
    picks = select(name, pool, 15, np.random.default_rng(0))
    expected = kl_to_mean(pool.committee.astype(np.float64))
    order = pool.unlabelled[np.argsort(-expected[pool.unlabelled])]
    assert picks.tolist() == order[:15].tolist()


@pytest.mark.parametrize("source", ["bootstrap", "dropout"])
@pytest.mark.parametrize("name", ["bald", "vote_entropy", "disagreement"])
def test_a_committee_is_made_of_the_labels_where_the_pool_has_none(name, source):
    pool = alone()
    picks = select(name, pool, 20, np.random.default_rng(0), source=source)
    members = committee(pool, 10, np.random.default_rng(0), source=source)
    said = np.stack([member(pool.embeddings) for member in members])
    assert said.shape == (10, 200, pool.probs.shape[1])
    score = {"bald": scores.bald, "vote_entropy": scores.vote_entropy}.get(name, scores.bald)
    expected = np.sort(score(said)[pool.unlabelled])[::-1][:20]
    np.testing.assert_allclose(score(said)[picks], expected, atol=1e-6)
    assert name == "vote_entropy" or expected[0] > 0


def test_a_bootstrap_that_misses_a_class_is_a_member_all_the_same():
    pool = alone(60, labelled=tuple(range(12)))
    labels = pool.labels.copy()
    labels[:11], labels[11] = 2, 6  # one lone label: over a third of the samples miss it
    pool = replace(pool, labels=labels)
    members = committee(pool, 20, np.random.default_rng(0))
    lone = np.array([member(pool.embeddings)[:, 6].max() for member in members])
    assert 0 < (lone == 0).sum() < 20
    assert len(select("bald", pool, 30, np.random.default_rng(0))) == 30


def test_labels_of_one_class_leave_nothing_to_disagree_on():
    pool = alone(40, labelled=(0,))
    picks = select("bald", pool, 39, np.random.default_rng(0))
    assert sorted(picks.tolist()) == list(range(1, 40))


def test_power_draws_by_score_instead_of_taking_the_highest():
    pool = make_pool(300)
    firm = select("bald", pool, 30, np.random.default_rng(0)).tolist()
    drawn = select("bald", pool, 30, np.random.default_rng(0), power=1.0).tolist()
    keen = select("bald", pool, 30, np.random.default_rng(0), power=200.0).tolist()
    assert len(set(firm) & set(drawn)) < 20
    assert len(set(firm) & set(keen)) > 25


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"members": 1}, "members is 1; a committee has 2 or more"),
        ({"source": "boosting"}, "source is 'boosting'; allowed: bootstrap, dropout"),
        ({"source": "dropout", "dropout": 1.0}, "dropout is 1.0; it is a share"),
    ],
)
def test_impossible_committees_are_named(options, expected):
    with pytest.raises(FieldmarkError, match=expected):
        select("bald", alone(), 1, np.random.default_rng(0), **options)


@pytest.mark.parametrize("source", ["bootstrap", "dropout"])
def test_without_labels_there_is_nothing_to_make_a_committee_of(source):
    with pytest.raises(FieldmarkError, match="label some items first"):
        select("bald", alone(labelled=()), 1, np.random.default_rng(0), source=source)
