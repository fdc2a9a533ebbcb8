from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from classification.learning.mining import (
    hard_pairs,
    hardest_triplets,
    random_pairs,
    random_triplets,
    semi_hard_triplets,
)

MARGIN = 0.7


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@st.composite
def batches(draw):
    labels = torch.tensor(draw(st.lists(st.integers(0, 3), min_size=2, max_size=12)))
    points = torch.randn(len(labels), 3, generator=generator(draw(st.integers(0, 99))))
    return torch.cdist(points, points), labels


def anchors_with_positives(labels):
    n = range(len(labels))
    return [(a, p) for a in n for p in n if a != p and labels[a] == labels[p]]


def negatives(labels, anchor):
    return [i for i in range(len(labels)) if labels[i] != labels[anchor]]


@given(batches())
def test_semi_hard_is_the_nearest_negative_beyond_the_positive_and_inside_the_margin(batch):
    distances, labels = batch
    wanted = []
    for a, p in anchors_with_positives(labels):
        reach = distances[a, p]
        inside = [n for n in negatives(labels, a) if reach < distances[a, n] < reach + MARGIN]
        if inside:
            wanted.append([a, p, min(inside, key=lambda n: distances[a, n])])
    found = semi_hard_triplets(distances, labels, margin=MARGIN, generator=generator())
    assert found.tolist() == wanted


@given(batches())
def test_hardest_is_farthest_positive_and_nearest_negative_of_every_anchor(batch):
    distances, labels = batch
    wanted = []
    for a in range(len(labels)):
        own = [p for x, p in anchors_with_positives(labels) if x == a]
        others = negatives(labels, a)
        if own and others:
            farthest = max(own, key=lambda i: distances[a, i])
            wanted.append([a, farthest, min(others, key=lambda i: distances[a, i])])
    found = hardest_triplets(distances, labels, margin=MARGIN, generator=generator())
    assert found.tolist() == wanted
    positive, negative = hard_pairs(distances, labels, generator=generator())
    assert positive.tolist() == [[a, p] for a, p, _ in wanted]
    assert negative.tolist() == [[a, n] for a, _, n in wanted]


@given(batches(), st.integers(0, 9))
def test_random_triplets_violate_the_margin_and_leave_out_no_pair_that_can(batch, seed):
    distances, labels = batch
    found = random_triplets(distances, labels, margin=MARGIN, generator=generator(seed)).tolist()
    possible = {
        (a, p): [n for n in negatives(labels, a) if distances[a, n] < distances[a, p] + MARGIN]
        for a, p in anchors_with_positives(labels)
    }
    assert [(a, p) for a, p, _ in found] == [key for key, some in possible.items() if some]
    assert all(n in possible[a, p] for a, p, n in found)


def test_every_violating_negative_is_drawn_equally_often():
    distances = torch.ones(6, 6)
    labels = torch.tensor([0, 0, 1, 1, 1, 1])
    counts = torch.zeros(6)
    source = generator()
    for _ in range(500):
        triplets = random_triplets(distances, labels, margin=MARGIN, generator=source)
        counts += torch.bincount(triplets[triplets[:, 0] == 0][:, 2], minlength=6)
    assert counts[:2].sum() == 0
    assert ((counts[2:] > 90) & (counts[2:] < 160)).all()  # 125 each, 5 sd 49


@given(batches(), st.integers(0, 9))
def test_random_pairs_are_all_of_one_class_and_as_many_of_two(batch, seed):
    distances, labels = batch
    positive, negative = random_pairs(distances, labels, generator=generator(seed))
    every = list(combinations(range(len(labels)), 2))
    wanted = [list(pair) for pair in every if labels[pair[0]] == labels[pair[1]]]
    assert positive.tolist() == wanted
    assert len(negative) == min(len(wanted), len(every) - len(wanted))
    assert len({tuple(pair) for pair in negative.tolist()}) == len(negative)
    assert (labels[negative[:, 0]] != labels[negative[:, 1]]).all()


@pytest.mark.parametrize("mine", [random_triplets, semi_hard_triplets])
def test_a_batch_with_nothing_to_learn_gives_nothing(mine):
    labels = torch.tensor([0, 1, 2])  # no positive anywhere
    found = mine(torch.ones(3, 3), labels, margin=MARGIN, generator=generator())
    assert found.shape == (0, 3)
