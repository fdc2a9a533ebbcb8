from itertools import pairwise

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from classification.learning.head import Head
from classification.onnx_export import head_network


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 6), max_size=2),
    st.sets(st.integers(0, 4), min_size=1),
    st.floats(0.2, 5),
)
def test_the_head_says_in_onnx_what_it_says_here(seed, hidden, seen, temperature):
    rng = np.random.default_rng(seed)
    sizes = [4, *hidden, len(seen)]
    head = Head(
        mean=rng.normal(size=4).astype(np.float32),
        scale=rng.uniform(0.5, 2, 4).astype(np.float32),
        weights=tuple(rng.normal(size=(b, a)).astype(np.float32) for a, b in pairwise(sizes)),
        biases=tuple(rng.normal(size=b).astype(np.float32) for b in sizes[1:]),
        classes=np.array(sorted(seen)),
        temperature=temperature,
    )
    embeddings = rng.normal(size=(7, 4)).astype(np.float32)
    network = onnx.load_model_from_string(head_network(head, n_classes=5))
    probs = ReferenceEvaluator(network).run(None, {"embedding": embeddings})[0]
    np.testing.assert_allclose(probs, head.predict(embeddings, 5), atol=1e-4)
    assert not np.asarray(probs)[:, [c for c in range(5) if c not in seen]].any()
