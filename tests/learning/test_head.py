import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from classification.config import HeadConfig
from classification.errors import FieldmarkError
from classification.learning.head import fit_head, load_head, save_head


def blobs(classes, n=30, d=6, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, size=n)
    centres = rng.normal(size=(max(classes) + 1, d)) * 3
    return (centres[labels] + rng.normal(size=(n, d))).astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2], [1, 4], [0, 3, 9]])
@pytest.mark.parametrize("balanced", [True, False])
def test_it_is_scikit_learns_regression_on_standardised_embeddings(classes, balanced):
    x, y = blobs(classes)
    head = fit_head(x, y, config=HeadConfig(C=0.1, class_balanced=balanced))
    scaled = (x - x.mean(0)) / x.std(0)
    model = LogisticRegression(
        C=0.1, class_weight="balanced" if balanced else None, max_iter=1000
    ).fit(scaled, y)
    probs = head.predict(x, 12)
    assert np.allclose(probs[:, classes], model.predict_proba(scaled), atol=1e-3)
    unseen = [c for c in range(12) if c not in classes]
    assert (probs[:, unseen] == 0).all()


@given(st.lists(st.integers(0, 7), min_size=1, max_size=30), st.integers(0, 100))
def test_probabilities_sum_to_one_whatever_was_seen(labels, seed):
    y = np.array(labels, dtype=np.int64)
    x = np.random.default_rng(seed).normal(size=(len(y), 3)).astype(np.float32)
    probs = fit_head(x, y, config=HeadConfig()).predict(x, 8)
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-5)
    assert np.isfinite(probs).all()


def test_one_class_is_answered_with_certainty():
    x = np.ones((3, 2), np.float32)  # and a constant column divides by no zero
    probs = fit_head(x, np.array([4, 4, 4]), config=HeadConfig()).predict(x, 6)
    assert (probs[:, 4] == 1).all()


def test_it_comes_back_from_disk_the_same(tmp_path):
    x, y = blobs([0, 2, 5])
    head = fit_head(x, y, config=HeadConfig())
    save_head(tmp_path / "head.safetensors", head)
    again = load_head(tmp_path / "head.safetensors")
    assert np.array_equal(again.predict(x, 6), head.predict(x, 6))


def test_a_corrupt_file_is_named(tmp_path):
    path = tmp_path / "head.safetensors"
    with pytest.raises(FieldmarkError, match="head not found"):
        load_head(path)
    path.write_bytes(b"\1" * 64)
    with pytest.raises(FieldmarkError, match=r"head cannot be read.*corrupt"):
        load_head(path)
