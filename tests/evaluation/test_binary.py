import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.evaluation.binary import auc


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_auc_is_the_chance_that_a_positive_scores_higher(items):
    scores = np.array([s for s, _ in items], dtype=np.float32)
    positive = np.array([p for _, p in items])
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[positive] for b in scores[~positive]]
    assert auc(scores, positive) == (pytest.approx(np.mean(pairs)) if pairs else None)


def test_auc_agrees_with_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    positive = rng.random(500) < 0.1
    scores = (rng.normal(size=500) + positive).round(1).astype(np.float32)
    assert auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))
