from dataclasses import replace

import numpy as np
import pytest

from classification.errors import FieldmarkError
from classification.query import Pool, select

from .pools import make_pool


class Sign:
    """Class 1 where the sum of the features is above the bar, whatever the class ids are."""

    bar = 0.0

    def predict(self, embeddings, n_classes):
        out = np.zeros((len(embeddings), n_classes), dtype=np.float32)
        above = embeddings.sum(axis=1) > self.bar
        out[np.arange(len(out)), above.astype(int)] = 1
        return out

    def gradient(self, embeddings, n_classes):
        raise NotImplementedError


def strong_and_weak(n=300, *, offset=0.0):
    """Half of the items have all features of one sign, the others of both."""
    rng = np.random.default_rng(0)
    rows = 1 + 0.1 * rng.normal(size=(n, 40))
    rows *= rng.choice([-1, 1], size=(n, 1))
    weak = np.arange(n) >= n // 2
    rows[weak] = rng.normal(size=(weak.sum(), 40))
    pool = make_pool(n)
    rows = (rows - rows.mean(axis=0) + offset).astype(np.float32)
    return replace(pool, embeddings=rows, head=Sign(), probs=pool.probs[:, :2] * 0 + 0.5), weak


def test_items_whose_class_hangs_on_few_features_are_chosen():
    pool, weak = strong_and_weak()
    picks = select("dropquery", pool, 5, np.random.default_rng(0), candidates=1)
    assert weak[picks].all()


def test_a_common_offset_of_the_features_changes_nothing():
    pool, weak = strong_and_weak(offset=50.0)
    head = Sign()
    head.bar = 40 * 50.0
    picks = select("dropquery", replace(pool, head=head), 5, np.random.default_rng(0), candidates=1)
    assert weak[picks].all()


def test_the_candidates_are_those_that_changed_most_often():
    pool, _ = strong_and_weak()
    few = replace(pool, labelled=np.arange(300) % 2 == 0)
    picks = select("dropquery", few, 40, np.random.default_rng(0), passes=9, candidates=1)
    assert not few.labelled[picks].any()
    assert (picks >= 150).mean() > 0.9  # the weak items' class changes in every second pass


def test_a_batch_beyond_the_candidates_is_filled_at_random():
    pool, weak = strong_and_weak()
    picks = select("dropquery", pool, 280, np.random.default_rng(0))
    assert len(set(picks.tolist())) == 280
    first = weak[picks][:100]
    assert first.all()


def test_without_labels_the_centres_of_the_pool_are_taken():
    pool = replace(make_pool(60), probs=None)
    picks = [select(s, pool, 6, np.random.default_rng(0)).tolist() for s in ("dropquery", "kmeans")]
    assert picks[0] == picks[1]


def test_a_head_is_fitted_to_labels_where_there_is_none_and_ids_may_have_gaps():
    labels = np.full(40, -1)
    labels[:10] = [3, 90] * 5
    pool = Pool(
        embeddings=np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32),
        probs=None,
        labelled=labels >= 0,
        labels=labels,
    )
    assert len(select("dropquery", pool, 30, np.random.default_rng(0))) == 30


@pytest.mark.parametrize("option", [{"dropout": 1.0}, {"passes": 0}, {"candidates": 0}])
def test_impossible_options_are_named(option):
    with pytest.raises(FieldmarkError, match="give a share between 0 and 1, and 1 or more"):
        select("dropquery", make_pool(9, labelled=[1]), 2, np.random.default_rng(0), **option)
