from dataclasses import replace

import numpy as np
import pytest

from classification.errors import FieldmarkError
from classification.linear import fit_linear
from classification.query import select

from .pools import make_pool


def overlapping(n=120, *, labelled=tuple(range(0, 40, 2)), dim=5, seed=0):
    pool = make_pool(n, labelled=labelled, dim=dim, seed=seed)
    noise = np.random.default_rng(seed).normal(size=pool.embeddings.shape)
    return replace(pool, embeddings=(pool.embeddings + 3 * noise).astype(np.float32))


def changes(pool, reach):
    """Unlabelled items whose class changes, by the paper's element-wise mixing ratio."""
    head, taught = fit_linear(pool.embeddings[pool.taught], pool.labels[pool.taught]), pool.taught
    columns, found = pool.probs.shape[1], set()
    for i in pool.unlabelled.tolist():
        z = pool.embeddings[i : i + 1]
        said, g = head.predict(z, columns).argmax(), head.gradient(z, columns)
        for c in np.unique(pool.labels[taught]):
            anchor = pool.embeddings[taught[pool.labels[taught] == c]].mean(axis=0)
            apart = anchor - z
            ratio = reach * np.linalg.norm(apart) * g / (np.linalg.norm(g) * apart)
            mixture = (ratio * anchor + (1 - ratio) * z).astype(np.float32)
            if head.predict(mixture, columns).argmax() != said:
                found.add(i)
    return found


def test_picks_are_items_whose_class_changes_in_the_mixture():
    pool = overlapping()
    expected = changes(pool, 0.2 / np.sqrt(5))
    assert 4 < len(expected) < 60
    picks = select("alfa_mix", pool, len(expected) - 1, np.random.default_rng(0))
    assert set(picks.tolist()) < expected


def test_the_reach_grows_until_enough_items_change():
    pool = overlapping()
    near, far = (changes(pool, reach / np.sqrt(5)) for reach in (0.2, 0.4))
    assert len(near) < len(far) - 1
    picks = select("alfa_mix", pool, len(far) - 1, np.random.default_rng(0))
    assert set(picks.tolist()) < far
    assert not set(picks.tolist()) < near


def test_the_rest_is_drawn_at_random_where_too_few_items_change():
    pool = overlapping()
    most = set().union(*(changes(pool, r / np.sqrt(5)) for r in (0.2, 0.4, 0.6, 0.8, 1.0)))
    n = len(most) + 5
    drawn = [select("alfa_mix", pool, n, np.random.default_rng(s)).tolist() for s in range(2)]
    assert all(set(picks[: len(most)]) == most for picks in drawn)
    assert set(drawn[0]) != set(drawn[1])


def test_picks_stand_for_groups_of_what_changes():
    """Of ten times as many copies of one changing item as of another, both are picked."""
    pool = overlapping()
    two = sorted(changes(pool, 0.2 / np.sqrt(5)))[:2]
    copies = np.repeat(two, [50, 5])
    rows = np.concatenate([pool.taught, copies])
    picks = select("alfa_mix", pool.rows(rows), 2, np.random.default_rng(0))
    assert sorted(rows[picks].tolist()) == two


def test_an_anchor_that_an_item_equals_does_not_make_it_nan():
    pool = overlapping(60, labelled=(0, 1, 2, 3))
    pool.embeddings[:30] = pool.embeddings[0]
    pool.embeddings[:, 1] = 0
    picks = select("alfa_mix", pool, 20, np.random.default_rng(0))
    assert len(set(picks.tolist())) == 20


@pytest.mark.parametrize("labelled", [(), (7,)])
def test_without_labels_or_with_one_class_it_still_chooses(labelled):
    picks = select("alfa_mix", overlapping(labelled=labelled), 30, np.random.default_rng(0))
    assert len(set(picks.tolist())) == 30


def test_an_impossible_step_is_named():
    with pytest.raises(FieldmarkError, match=r"step is 0; give 0\.01 to 1"):
        select("alfa_mix", make_pool(5), 1, np.random.default_rng(0), step=0)
