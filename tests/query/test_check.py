from dataclasses import replace

import numpy as np
import pytest

from classification.errors import FieldmarkError
from classification.linear import fit_linear
from classification.query import STRATEGIES, Pool, select

from .pools import OPTIONS, make_pool


def faulty(**changes):
    return Pool(**(vars(make_pool(8, labelled=[0, 1, 2])) | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"embeddings": np.full((8, 2), np.nan)}, "embeddings: 8 rows hold NaN or infinity"),
        ({"embeddings": np.tile([np.inf, -np.inf], (8, 1))}, "embeddings: 8 rows hold NaN"),
        ({"embeddings": np.eye(8, dtype=np.float32) * 2e9}, "are longer than 1e[+]09: 0, 1, 2"),
        ({"embeddings": np.eye(8) * 1e300}, "embeddings: 8 rows hold NaN or infinity"),
        ({"embeddings": np.eye(8)[0]}, r"embeddings has shape \(8,\); it must be \[N, D\]"),
        ({"embeddings": [["a"]] * 8}, "embeddings is <U1; give float32"),
        ({"embeddings": np.eye(8) * 1j}, "embeddings is complex128; give float32"),
        ({"embeddings": np.eye(7)}, "embeddings has 7 rows, labelled has 8"),
        ({"probs": np.full((8, 7), 0.6)}, r"do not sum to one: 0, 1, 2, 3, 4, \.\.\."),
        ({"probs": np.tile([1.5, -0.5, 0, 0, 0, 0, 0], (8, 1))}, "8 rows are negative: 0, 1"),
        ({"probs": np.tile([np.inf, -np.inf], (8, 4))}, "probs: 8 rows hold NaN or infinity"),
        ({"probs": np.full((7, 7), 1 / 7)}, "probs has 7 rows, labelled has 8"),
        ({"probs": np.ones(8)}, r"probs has shape \(8,\); it must be \[N, C\]"),
        ({"probs": np.zeros((8, 0))}, "probs: 8 rows do not sum to one"),
        ({"committee": np.zeros((0, 8, 7))}, r"committee has shape \(0, 8, 7\)"),
        ({"committee": np.full((2, 8, 2), 0.4)}, r"committee\[1\]: 8 rows do not sum to one"),
        ({"labelled": np.arange(3)}, "labelled is int64; give bool"),
        ({"labelled": np.zeros(8, dtype=int)}, "labelled is int64; give bool"),
        ({"labels": np.arange(8) / 2}, "labels is float64; give int64"),
        ({"labels": np.full(8, 7)}, "labels: 3 rows have a class id that is no column of probs"),
        ({"labels": np.full(8, -2)}, "labels: 8 rows are below -1"),
        ({"groups": np.array(list("abcdefgh"))}, "groups is <U1; give int64"),
        ({"locations": np.zeros((8, 1), int)}, r"locations has shape \(8, 1\); it must be \[N\]"),
    ],
)
def test_a_pool_that_leads_astray_is_refused_by_name_and_row(changes, expected):
    with pytest.raises(FieldmarkError, match=expected):
        select("random", faulty(**changes), 1, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"embeddings": np.zeros((8, 3))},
            "head was fitted to embeddings of 4 columns, these have 3",
        ),
        (
            {"embeddings": np.zeros((8, 0))},
            "head was fitted to embeddings of 4 columns, these have 0",
        ),
        ({"probs": None}, "head is set and probs is not; give head.predict"),
        (
            {"probs": np.full((8, 5), 0.2), "labels": np.full(8, 2)},
            "head knows class ids up to 6, probs has 5 columns",
        ),
    ],
)
@pytest.mark.parametrize("name", ["dropquery", "alfa_mix", "random"])
def test_a_head_of_another_pool_is_refused(name, changes, expected):
    pool = faulty()
    labels = np.array([2, 4, 6, -1, -1, -1, -1, -1])
    head = fit_linear(pool.embeddings[:3], labels[:3])
    pool = replace(pool, labels=labels, head=head, committee=None)
    assert len(select(name, pool, 2, np.random.default_rng(0))) == 2
    with pytest.raises(FieldmarkError, match=expected):
        select(name, replace(pool, **changes), 2, np.random.default_rng(0))


def test_all_faults_come_together():
    pool = faulty(embeddings=np.full((8, 2), np.nan), probs=np.full((8, 7), 0.6))
    with pytest.raises(FieldmarkError, match=r"embeddings: 8 rows(.|\n)*probs: 8 rows"):
        select("random", pool, 1, np.random.default_rng(0))


@pytest.mark.parametrize("name", STRATEGIES)
def test_numbers_of_other_types_choose_the_same(name):
    pool = make_pool(40, labelled=range(12), burst=2)
    pool.embeddings[:] = pool.embeddings.astype(np.float16)
    pool.probs[:] = np.eye(7)[np.arange(40) % 7]
    others = {
        "embeddings": pool.embeddings.astype(np.float16),
        "probs": pool.probs.astype(np.uint8).tolist(),
        "labelled": pool.labelled.tolist(),
        "labels": pool.labels.astype(np.int8),
        "groups": pool.groups.tolist(),
        "committee": pool.committee.astype(np.float64),
    }
    picks = [
        select(name, given, 6, np.random.default_rng(0), **OPTIONS.get(name, {})).tolist()
        for given in (pool, replace(pool, **others))
    ]
    assert picks[0] == picks[1]


def test_nothing_is_copied_where_the_types_are_right():
    pool = make_pool(10)
    seen = []

    def spy(shown, n, rng):
        seen.append(shown)
        return shown.unlabelled[:n]

    select(spy, pool, 2, np.random.default_rng(0))
    assert seen == [pool]
    assert seen[0].embeddings is pool.embeddings
