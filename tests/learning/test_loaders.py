import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.config_learning import FinetuneConfig
from classification.learning.loaders import LOADERS, batch_size, epoch_order, steps_per_epoch

RARE = np.array([0] * 90 + [1] * 9 + [5])


def order(labels, seed=0, **fields):
    return epoch_order(labels, FinetuneConfig(**fields), np.random.default_rng(seed))


def test_even_draws_every_class_equally_often():
    drawn = order(RARE, loader="even")
    assert len(drawn) == 100
    assert np.abs(np.bincount(RARE[drawn], minlength=6)[[0, 1, 5]] - 100 / 3).max() <= 2


def test_single_is_every_item_once():
    assert sorted(order(RARE, loader="single")) == list(range(100))


@given(
    st.lists(st.integers(0, 6), min_size=2, max_size=60),
    st.integers(2, 5),
    st.integers(2, 4),
    st.integers(0, 9),
)
def test_a_balanced_batch_holds_p_classes_with_k_crops_each(labels, p, k, seed):
    labels = np.array(labels)
    config = {"loader": "balanced", "classes_per_batch": p, "samples_per_class": k}
    drawn = order(labels, seed, **config)
    size = batch_size(labels, FinetuneConfig(**config))
    p = min(p, len(np.unique(labels)))
    assert size == p * k
    assert len(drawn) % size == 0
    for batch in drawn.reshape(-1, size):
        classes, counts = np.unique(labels[batch], return_counts=True)
        assert len(classes) == p
        assert (counts == k).all()
        for c in classes:  # repeated only where the class is short
            distinct = len(np.unique(batch[labels[batch] == c]))
            assert distinct >= min(k, (labels == c).sum()) - k // 2


def test_balanced_takes_classes_and_crops_in_turn():
    labels = np.repeat(np.arange(4), 6)
    drawn = order(labels, loader="balanced", classes_per_batch=2, samples_per_class=3)
    assert (np.bincount(labels[drawn], minlength=4) == 6).all()
    assert len(np.unique(drawn)) == 24  # no crop twice before all came once


@pytest.mark.parametrize("loader", sorted(LOADERS))
def test_no_batch_of_one_and_no_more_steps_than_said(loader):
    labels = np.arange(9) % 3
    config = FinetuneConfig(loader=loader, batch_size=4, classes_per_batch=2, samples_per_class=2)
    drawn = epoch_order(labels, config, np.random.default_rng(0))
    size = batch_size(labels, config)
    assert len(drawn) % size != 1
    assert 0 < len(drawn) <= steps_per_epoch(labels, config) * size


@pytest.mark.parametrize("loader", sorted(LOADERS))
def test_the_seed_fixes_the_order(loader):
    one, again, other = (order(RARE, seed, loader=loader) for seed in (3, 3, 4))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=40),
    st.sampled_from(sorted(LOADERS)),
    st.integers(2, 50),
)
def test_a_schedule_can_count_on_the_steps_of_an_epoch(labels, loader, size):
    labels = np.array(labels)
    config = FinetuneConfig(loader=loader, batch_size=size, classes_per_batch=3)
    drawn = epoch_order(labels, config, np.random.default_rng(0))
    assert -(-len(drawn) // batch_size(labels, config)) == steps_per_epoch(labels, config) > 0


@pytest.mark.parametrize("loader", ["even", "single"])
def test_fewer_labels_than_a_batch_are_a_smaller_batch(loader):
    """Unlabelled crops of FixMatch are counted by it."""
    assert batch_size(np.arange(12) % 3, FinetuneConfig(loader=loader, batch_size=64)) == 12
